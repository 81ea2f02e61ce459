/** Tiny real files for tables `{id long, region string}` that are partitioned by region. */
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import { encodeDeletionVector } from "../../lib/iceberg/puffin/encode_deletion_vector.ts";
import { deletionVectorBlob, writePuffin } from "../../lib/iceberg/puffin/write_puffin.ts";
import { encodeValue } from "../../lib/iceberg/spec/values.ts";
import { PeerProcess } from "./_peer_process.ts";

/** Reserved ids of the columns of position deletes (spec: "Reserved Field IDs"). */
const DELETE_PATH_ID = 2_147_483_546;
const DELETE_POSITION_ID = 2_147_483_545;

const NOTHING: Omit<DataFile, "content" | "filePath" | "recordCount" | "fileSizeInBytes"> = {
  fileFormat: "parquet",
  specId: 0,
  partition: [],
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
  equalityIds: null,
  sortOrderId: 0,
  firstRowId: null,
  referencedDataFile: null,
  contentOffset: null,
  contentSizeInBytes: null,
};

interface Column {
  readonly name: string;
  readonly id: number;
  readonly type: "long" | "string";
  readonly required: boolean;
  readonly values: readonly (number | string | null)[];
}

/** Writes files below a table's folder, the Parquet ones with PyArrow. */
export class TinyFiles implements AsyncDisposable {
  readonly #process: PeerProcess;
  readonly #folder: string;
  #last = 0;

  private constructor(process: PeerProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  /** `folder` is a plain path, and so are the locations of the files. */
  static async start(folder: string): Promise<TinyFiles> {
    const process = new PeerProcess("pyiceberg", "pyarrow_files.py", []);
    await process.hear("READY");
    return new TinyFiles(process, folder);
  }

  /** A data file of one region. */
  async data(ids: readonly number[], region: string | null): Promise<DataFile> {
    const long = (value: number) => encodeValue({ kind: "long" }, BigInt(value));
    const file = await this.#write([
      { name: "id", id: 1, type: "long", required: true, values: ids },
      { name: "region", id: 2, type: "string", required: false, values: ids.map(() => region) },
    ]);
    return {
      ...file,
      content: "data",
      partition: [region],
      valueCounts: new Map([[1, ids.length], [2, ids.length]]),
      nullValueCounts: new Map([[1, 0], [2, region === null ? ids.length : 0]]),
      lowerBounds: new Map([[1, long(Math.min(...ids))]]),
      upperBounds: new Map([[1, long(Math.max(...ids))]]),
    };
  }

  /** Position deletes of one data file. */
  async positions(on: DataFile, positions: readonly number[]): Promise<DataFile> {
    const paths = positions.map(() => on.filePath);
    const path = encodeValue({ kind: "string" }, on.filePath);
    const file = await this.#write([
      { name: "file_path", id: DELETE_PATH_ID, type: "string", required: true, values: paths },
      { name: "pos", id: DELETE_POSITION_ID, type: "long", required: true, values: positions },
    ]);
    return {
      ...file,
      content: "position_deletes",
      partition: on.partition,
      lowerBounds: new Map([[DELETE_PATH_ID, path]]),
      upperBounds: new Map([[DELETE_PATH_ID, path]]),
      referencedDataFile: on.filePath,
      sortOrderId: null,
    };
  }

  /** Equality deletes by id. */
  async equality(ids: readonly number[], region: string | null): Promise<DataFile> {
    const file = await this.#write([
      { name: "id", id: 1, type: "long", required: true, values: ids },
    ]);
    return { ...file, content: "equality_deletes", partition: [region], equalityIds: [1] };
  }

  /** Deletion vectors of several data files, in one Puffin file. */
  async vectors(
    ...vectors: readonly { readonly on: DataFile; readonly positions: readonly number[] }[]
  ): Promise<readonly DataFile[]> {
    const filePath = this.#next("puffin");
    const written = writePuffin(
      vectors.map(({ on, positions }) =>
        deletionVectorBlob(encodeDeletionVector(positions), {
          referencedDataFile: on.filePath,
          cardinality: positions.length,
        })
      ),
      { properties: { "created-by": "drls tests" } },
    );
    await Deno.writeFile(filePath, written.bytes);
    return vectors.map(({ on, positions }, i) => ({
      ...NOTHING,
      content: "position_deletes",
      filePath,
      fileFormat: "puffin",
      partition: on.partition,
      recordCount: positions.length,
      fileSizeInBytes: written.bytes.length,
      sortOrderId: null,
      referencedDataFile: on.filePath,
      contentOffset: written.blobs[i]?.offset ?? null,
      contentSizeInBytes: written.blobs[i]?.length ?? null,
    }));
  }

  async #write(columns: readonly Column[]) {
    const filePath = this.#next("parquet");
    await this.#process.tell(JSON.stringify({ path: filePath, columns }));
    const { text } = await this.#process.hear("RESULT");
    const recordCount = columns[0]?.values.length ?? 0;
    return { ...NOTHING, filePath, recordCount, fileSizeInBytes: Number(text) };
  }

  #next(extension: string): string {
    return `${this.#folder}/data/tiny-${++this.#last}.${extension}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
