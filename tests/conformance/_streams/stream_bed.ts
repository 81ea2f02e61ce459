/**
 * Servers over a catalog of each kind, and the engines that write what their pipelines read, and read
 * what those write. Each engine is one process that does one thing after the other.
 */
import assert from "node:assert/strict";
import type { PipelineView } from "../../../lib/pipelines/mod.ts";
import { openPipelineServer, type PipelineServer } from "../../support/pipeline_server.ts";
import { PeerProcess, SparkSession } from "../_peer_process.ts";
import { findJar } from "../_peers.ts";
import { assertSameRowSet } from "../_same_rows.ts";
import { type LakeKind, openLakes, sqliteDriver } from "./lakes.ts";

/** Isolates cost a second of the processor at every start. */
const FEW_ISOLATES = {
  DRLS_READER_ISOLATES: "1",
  DRLS_QUERY_ISOLATES: "1",
  DRLS_TABLE_ISOLATES: "2",
};

/** A batch that was committed. */
export type BatchMetrics = NonNullable<PipelineView["last_batch"]>;

/** What PyIceberg says of a table. */
export interface Look {
  readonly version: number;
  /** Name, type, whether it is required. */
  readonly columns: readonly (readonly [string, string, boolean])[];
  /** Transform and column. */
  readonly spec: readonly (readonly [string, string])[];
  /** Its current snapshot. */
  readonly head: string | null;
  /** Id, operation, and the rest of the summary. */
  readonly snapshots: readonly (readonly [string, string, Readonly<Record<string, string>>])[];
  readonly properties: Readonly<Record<string, string>>;
  /** Live data files. */
  readonly files: number;
  /** Partition specs that live files were written with. */
  readonly specs: readonly number[];
}

/** What a pipeline is started with, besides its tables. */
export type StreamOptions = Readonly<Record<string, unknown>>;

/** A pipeline that was started. */
export interface Stream {
  readonly id: string;
  readonly source: string;
  readonly sink: string;
}

/** One thing after the other. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {
      // Whoever asked is told; who comes next need not know.
    });
    return result;
  }
}

/** The engines. */
class Engines {
  readonly #spark: SparkSession;
  readonly #pyiceberg: PeerProcess;
  readonly #duckdb: PeerProcess;
  readonly #queues = { spark: new Queue(), pyiceberg: new Queue(), duckdb: new Queue() };
  readonly #dir: string;
  #files = 0;

  constructor(
    { spark, pyiceberg, duckdb, dir }: {
      readonly spark: SparkSession;
      readonly pyiceberg: PeerProcess;
      readonly duckdb: PeerProcess;
      readonly dir: string;
    },
  ) {
    this.#spark = spark;
    this.#pyiceberg = pyiceberg;
    this.#duckdb = duckdb;
    this.#dir = dir;
  }

  /** A new file for rows. */
  file(): string {
    return `${this.#dir}/rows_${++this.#files}.arrow`;
  }

  async sql(statement: string): Promise<readonly (readonly unknown[])[]> {
    return await this.#queues.spark.run(() => named(statement, this.#spark.sql(statement)));
  }

  async sparkRows(statement: string): Promise<readonly string[]> {
    return await this.#queues.spark.run(() => named(statement, this.#spark.exactRows(statement)));
  }

  async pyiceberg<T>(command: readonly unknown[]): Promise<T> {
    return await this.#queues.pyiceberg.run(() =>
      named(JSON.stringify(command), this.#pyiceberg.ask<T>(command))
    );
  }

  async duckdb(sql: string, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
    return await this.#queues.duckdb.run(() => named(sql, this.#duckdb.ask({ sql, files })));
  }
}

async function named<T>(what: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (cause) {
    throw new Error(`${what}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** See the top of this file: one catalog and its server. */
export class StreamLake {
  readonly kind: LakeKind;
  readonly server: PipelineServer;
  readonly #engines: Engines;
  #streams: Stream[] = [];

  constructor(kind: LakeKind, server: PipelineServer, engines: Engines) {
    this.kind = kind;
    this.server = server;
    this.#engines = engines;
  }

  /** Whether PyIceberg can write into such catalogs. */
  get isPyIcebergs(): boolean {
    return this.kind !== "hadoop";
  }

  /** Rows of a statement of Spark's; names that begin with `db.` are tables of this catalog. */
  async spark(statement: string): Promise<readonly (readonly unknown[])[]> {
    return await this.#engines.sql(this.#full(statement));
  }

  /** Calls a procedure of Spark's. */
  async call(procedure: string): Promise<readonly (readonly unknown[])[]> {
    return await this.#engines.sql(`CALL ${this.kind}.system.${procedure}`);
  }

  /** What a verb of `peers/pyiceberg_streams.py` gives. */
  async pyiceberg<T = null>(
    verb: string,
    table: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    return await this.#engines.pyiceberg<T>([verb, this.kind, table, ...args]);
  }

  async look(table: string): Promise<Look> {
    return await this.pyiceberg<Look>("look", table);
  }

  /** Starts a pipeline under a checkpoint location that is the sink's name. */
  async start(source: string, sink: string, options: StreamOptions = {}): Promise<Stream> {
    const { id } = await this.#start(source, sink, options);
    const stream = { id, source, sink };
    this.#streams.push(stream);
    return stream;
  }

  async #start(source: string, sink: string, options: StreamOptions): Promise<{ id: string }> {
    const { pipeline_id: id } = await this.server.start({
      source_table: source,
      sink_table: sink,
      checkpoint_location: this.checkpointOf(sink),
      ...options,
    });
    return { id };
  }

  /** Stops a pipeline, and has the server forget it and its checkpoint. */
  async forget({ id, sink }: Stream): Promise<void> {
    await this.server.stop(id);
    this.#streams = this.#streams.filter((one) => one.id !== id);
    assert.equal((await this.server.send("DELETE", `/pipeline/${id}`)).status, 204);
    await Deno.remove(this.checkpointOf(sink), { recursive: true });
  }

  checkpointOf(sink: string): string {
    return `${this.server.dataDir}/checkpoints/${sink}`;
  }

  /** Stops all pipelines that run. */
  async stopAll(): Promise<void> {
    const streams = this.#streams;
    this.#streams = [];
    for (const { id } of streams) {
      const { status } = await this.server.status(id);
      if (status !== "failed" && status !== "stopped") await this.server.stop(id);
    }
  }

  /** The pipeline, once it has read all that its source has; the newest is no compaction. */
  async settled({ id, source }: Stream): Promise<PipelineView> {
    const { head } = await this.look(source);
    const isSettled = (one: PipelineView) =>
      one.status === "failed" ||
      one.status === "idle" && one.lag.snapshots === 0 &&
        (head === null || one.last_batch?.source_snapshot_id === head);
    let view = await this.server.status(id);
    // Hundreds of batches may take long: what counts is that it goes on.
    while (!isSettled(view)) {
      const { version } = view;
      view = await this.server.until(id, (one) => one.version !== version || isSettled(one));
    }
    assert.notEqual(view.status, "failed", JSON.stringify(view.last_error));
    return view;
  }

  /** All batches, oldest first. */
  async history({ id }: Stream): Promise<readonly BatchMetrics[]> {
    const { batches } = await this.server.get(`/pipeline/${id}/history?limit=500`);
    return (batches as BatchMetrics[]).reverse();
  }

  /** Rows as PyIceberg reads them. */
  async rows(table: string, columns: readonly string[] | null = null): Promise<readonly string[]> {
    return await this.pyiceberg("rows", table, columns);
  }

  /** Rows as Spark reads them. */
  async sparkRows(statement: string): Promise<readonly string[]> {
    return await this.#engines.sparkRows(this.#full(statement));
  }

  /** A file of the rows that PyIceberg reads of a table, now or at a snapshot. */
  async saved(table: string, snapshot: string | null = null): Promise<string> {
    const file = this.#engines.file();
    await this.pyiceberg<number>("save", table, snapshot, file);
    return file;
  }

  /** Rows of a query of native DuckDB over files of rows, which it calls by their names. */
  async expected(
    sql: string,
    files: Readonly<Record<string, string>>,
  ): Promise<readonly string[]> {
    return await this.#engines.duckdb(sql, files);
  }

  /** The sink has, for PyIceberg, what DuckDB makes of the source's rows, which it calls `source`. */
  async assertMade(
    { source, sink }: Pick<Stream, "source" | "sink">,
    sql: string,
    columns: readonly string[] | null = null,
  ): Promise<readonly string[]> {
    const expected = await this.expected(sql, { source: await this.saved(source) });
    const found = await this.rows(sink, columns);
    assertSameRowSet(found, expected, `${sink} of the ${this.kind} catalog`);
    assert(expected.length > 0, `${sink} shows nothing`);
    return found;
  }

  #full(statement: string): string {
    return statement.replaceAll(/\bdb\./g, `${this.kind}.db.`);
  }
}

/** Opens everything; it ends with `stack`. */
export async function openStreamBed(stack: AsyncDisposableStack): Promise<readonly StreamLake[]> {
  const dir = await Deno.makeTempDir({ prefix: "drls-streams-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const access = await openLakes(dir, stack);
  const of = (which: "pyiceberg" | "spark") =>
    Object.fromEntries(access.map((lake) => [lake.kind, lake[which]]));
  const pyiceberg = stack.use(
    new PeerProcess("pyiceberg", "pyiceberg_streams.py", [JSON.stringify(of("pyiceberg"))]),
  );
  const duckdb = stack.use(new PeerProcess("duckdb", "duckdb_streams.py", []));
  // It makes the tables of the catalog that lies in a database.
  await pyiceberg.hear("READY");
  const catalogs = Object.fromEntries(
    Object.entries(of("spark")).map(([name, options]) => [
      name,
      { ...options, "cache-enabled": "false" },
    ]),
  );
  const jar = findJar("iceberg-spark-runtime");
  const [spark, ...servers] = await Promise.all([
    SparkSession.start(`${dir}/hadoop`, jar, { catalogs, classPath: sqliteDriver() }),
    ...access.map(({ env }) => openPipelineServer({ env: { ...FEW_ISOLATES, ...env } })),
  ]);
  stack.use(spark);
  for (const server of servers) stack.defer(() => server.dispose());
  await duckdb.hear("READY");
  const engines = new Engines({ spark, pyiceberg, duckdb, dir });
  const lakes = access.map(({ kind }, at) => new StreamLake(kind, servers[at]!, engines));
  for (const { kind } of access) await engines.sql(`CREATE NAMESPACE IF NOT EXISTS ${kind}.db`);
  return lakes;
}
