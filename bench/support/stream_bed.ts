/** What streams are measured over: a warehouse, a server and, where it is wanted, Spark, all of them warm. */
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import { icebergJar, PeerScript } from "./peers.ts";
import { RowWarehouse, type WarehouseCatalog } from "./row_warehouse.ts";
import { ORDERS, orders } from "./sample_rows.ts";
import { type BenchServer, startServer } from "./server.ts";
import { runPipeline, type Stream } from "./streams.ts";

const CACHE_BYTES = 64 * 1024 ** 2;
/** Files of the streams that engines warm up with. */
const WARM_FILES = 2;

/** See the module. */
export interface Bed {
  readonly warehouse: RowWarehouse;
  readonly server: BenchServer;
  /** Null where it is not wanted, or not installed. */
  readonly spark: PeerScript | null;
  /** Data files for sources, with rows of `ORDERS`. */
  readonly files: readonly DataFile[];
}

/** Options of {@linkcode withBed}. */
export interface BedOptions {
  readonly folder: string;
  /** Data files, and the rows of each. */
  readonly files: number;
  readonly rows: number;
  readonly catalog?: WarehouseCatalog;
  /** Queries of streams that run before anything is measured, in the server and in Spark. */
  readonly warm?: readonly (string | null)[];
  /** Whether Spark is wanted; not by default. */
  readonly withSpark?: boolean;
}

/** Puts everything up, and takes it down after `work`. */
export async function withBed(
  { folder, files: count, rows, catalog, warm = [], withSpark = false }: BedOptions,
  work: (bed: Bed) => Promise<void>,
): Promise<void> {
  const warehouse = await RowWarehouse.create(folder, catalog);
  const rowsOf = (file: number) => orders(file, rows);
  const files = await warehouse.writeFiles({ schema: ORDERS, files: count, rowsOf });
  const settings = { warehouse: folder, cacheBytes: CACHE_BYTES, env: warehouse.env };
  await using server = await startServer(settings);
  await using spark = withSpark
    ? await PeerScript.start("spark", "spark_streaming.py", [folder, icebergJar()])
    : null;
  const bed = { warehouse, server, spark, files };
  for (const sql of warm) {
    const first = { sql, files: files.slice(0, WARM_FILES) };
    await runPipeline(server, (await newStream(bed, first)).stream);
    const { stream: { source, sink, checkpoint } } = await newStream(bed, first);
    await spark?.ask({ run: sink, source, sink, checkpoint, sql });
  }
  await work(bed);
  await warehouse.close();
}

/** A stream that nobody runs yet. */
export interface NewStream {
  readonly stream: Stream;
  /** The source's. */
  readonly store: TableStore;
}

let streams = 0;

/** Two tables of the bed: a source of these files, and an empty sink. */
export async function newStream(
  { warehouse }: Pick<Bed, "warehouse">,
  { sql, files }: { readonly sql: string | null; readonly files: readonly DataFile[] },
): Promise<NewStream> {
  const [source, sink] = [`db.source_${++streams}`, `db.sink_${streams}`];
  const store = await warehouse.createTable({ name: source, schema: ORDERS, files });
  await warehouse.createTable({ name: sink, schema: ORDERS, files: [] });
  const checkpoint = `${warehouse.folder}/checkpoints/${sink}`;
  return { stream: { source, sink, sql, checkpoint }, store };
}
