/**
 * Writes deletion vectors (spec v3 "Deletion Vectors"): one Puffin file with a vector for each data
 * file. A data file has at most one vector, so what was deleted before is merged into the new one.
 */
import { throwIfAborted } from "../../abort.ts";
import { AppError } from "../../errors.ts";
import { type DataFile, NOTHING_MORE_KNOWN } from "../../iceberg/manifest/data_file.ts";
import { encodeDeletionVector } from "../../iceberg/puffin/encode_deletion_vector.ts";
import { deletionVectorBlob, writePuffin } from "../../iceberg/puffin/write_puffin.ts";
import { isDeletionVector, referencedDataFile } from "../../iceberg/scan/delete_index.ts";
import { VERSION } from "../../version.ts";
import type { DeleteLoader } from "./deletes/delete_loader.ts";
import { FileLocations } from "./write/file_locations.ts";
import type { DeleteTarget, DeleteWriterOptions } from "./position_delete_writer.ts";
import { Schema } from "../../iceberg/spec/schema.ts";

/** Options of {@linkcode DeletionVectorWriter}. */
export interface DeletionVectorWriterOptions extends DeleteWriterOptions {
  /** Reads the deletes that are merged. */
  readonly deletes: DeleteLoader;
}

/** What {@linkcode DeletionVectorWriter.finish} wrote. */
export interface WrittenVectors {
  /** One delete file for each data file; they share a Puffin file. */
  readonly added: readonly DataFile[];
  /** Delete files that the new vectors replace: a commit must remove them. */
  readonly replaced: readonly DataFile[];
}

interface VectorParts {
  readonly target: DeleteTarget;
  readonly positions: Set<number>;
  readonly before: Set<DataFile>;
}

/** Collects deletes, then writes them. */
export class DeletionVectorWriter {
  readonly #options: DeletionVectorWriterOptions;
  readonly #vectors = new Map<string, VectorParts>();
  #created: string | null = null;

  /** Tables before format v3 take position delete files instead: `unsupported`. */
  constructor(options: DeletionVectorWriterOptions) {
    if (options.metadata.formatVersion < 3) {
      throw new AppError(
        "unsupported",
        "deletion_vectors_unsupported",
        "Cannot write deletion vectors: tables before format v3 take position delete files",
      );
    }
    this.#options = options;
  }

  /**
   * Deletes rows of a data file. `before` are the deletes that apply to it (`FileScanTask.deletes`):
   * its vector and its position delete files are merged, equality deletes are left alone.
   */
  add(target: DeleteTarget, positions: Iterable<number>, before: readonly DataFile[] = []): void {
    const { filePath } = target;
    const parts = this.#vectors.get(filePath) ??
      { target, positions: new Set(), before: new Set() };
    this.#vectors.set(filePath, parts);
    for (const position of positions) parts.positions.add(position);
    for (const file of before) if (file.content === "position_deletes") parts.before.add(file);
  }

  /** Writes the Puffin file. Without deletes there is none. */
  async finish(): Promise<WrittenVectors> {
    const { io, operationId, signal } = this.#options;
    const replaced: DataFile[] = [];
    const merged: { target: DeleteTarget; bytes: Uint8Array; cardinality: number }[] = [];
    for (const { target, positions, before } of this.#vectors.values()) {
      throwIfAborted(signal);
      if (positions.size === 0) continue;
      for (const file of before) {
        const found = await this.#options.deletes.positionsIn(file, target.filePath, signal);
        for (const position of found?.positions() ?? []) positions.add(position);
        if (speaksOnlyOf(file, target)) replaced.push(file);
      }
      const bytes = encodeDeletionVector(positions);
      merged.push({ target, bytes, cardinality: positions.size });
    }
    if (merged.length === 0) return { added: [], replaced: [] };
    const puffin = writePuffin(
      merged.map(({ target, bytes, cardinality }) =>
        deletionVectorBlob(bytes, { referencedDataFile: target.filePath, cardinality })
      ),
      { properties: { "created-by": `drls version ${VERSION}` } },
    );
    const location = new FileLocations(this.#options).next(UNPARTITIONED, "-deletes.puffin");
    this.#created = location;
    await io.createIfAbsent(location, puffin.bytes);
    const added = merged.map(({ target, cardinality }, at) => {
      const blob = puffin.blobs[at];
      if (blob === undefined) throw new TypeError(`Cannot find blob ${at} of ${operationId}`);
      const place = { offset: blob.offset, length: blob.length };
      const file = { location, sizeBytes: puffin.bytes.length };
      return describe(target, file, { ...place, cardinality });
    });
    return { added, replaced };
  }

  /** Removes what was written. */
  async abort(): Promise<void> {
    if (this.#created !== null) await this.#options.io.delete(this.#created);
  }
}

/** The file holds vectors of many partitions, and lies in none of their folders. */
const UNPARTITIONED = {
  spec: { specId: 0, fields: [] },
  schema: new Schema({ schemaId: 0, fields: [], identifierFieldIds: [] }),
  partition: [],
};

/** Whether a delete file is of no more use once a vector of this data file holds its deletes. */
function speaksOnlyOf(file: DataFile, { filePath }: DeleteTarget): boolean {
  return isDeletionVector(file) || referencedDataFile(file) === filePath;
}

function describe(
  target: DeleteTarget,
  file: { readonly location: string; readonly sizeBytes: number },
  vector: { readonly offset: number; readonly length: number; readonly cardinality: number },
): DataFile {
  return {
    ...NOTHING_MORE_KNOWN,
    content: "position_deletes",
    filePath: file.location,
    fileFormat: "puffin",
    specId: target.specId,
    partition: target.partition,
    recordCount: vector.cardinality,
    fileSizeInBytes: file.sizeBytes,
    referencedDataFile: target.filePath,
    contentOffset: vector.offset,
    contentSizeInBytes: vector.length,
  };
}
