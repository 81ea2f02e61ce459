/**
 * What pipelines cost, over HTTP on a warm server, beside Spark Structured Streaming in a warm session on
 * `local[2]` in the same run, by turns, from the same files into sinks that are made alike.
 *
 * - `delay`: a source gets 100 rows about once a second; how long until the sink has them, from
 *   metadata file to metadata file, trigger `0 seconds`; rows as they are, and through SQL.
 * - `throughput`: 10 M rows in 100 files, everything that there is, into an empty sink.
 * - `idle`: 20 pipelines over sources that nobody changes; then one of them changes.
 * - `fairness`: what `GET /api/tables` and a small pipeline wait while another catches up on 10 M rows.
 *
 * `deno task bench streaming [-- part... [size]]`; all parts without one. `size` is the number of commits of
 * `delay`, of files of `throughput` and `fairness`, of seconds of `idle`. Spark from
 * `tests/conformance/peers/install.sh`.
 */
import { join } from "node:path";
import { fastAppend } from "../lib/iceberg/commit/snapshot/fast_append.ts";
import type { DataFile } from "../lib/iceberg/manifest/data_file.ts";
import { commit, type WarehouseCatalog } from "./support/row_warehouse.ts";
import { ORDERS, orders } from "./support/sample_rows.ts";
import type { BenchServer } from "./support/server.ts";
import { median, milliseconds, percentile } from "./support/statistics.ts";
import { type Bed, type NewStream, newStream, withBed } from "./support/stream_bed.ts";
import {
  delays,
  load,
  pause,
  type PipelineStatus,
  rowsOfTable,
  runPipeline,
  startPipeline,
  stopPipeline,
  type Stream,
  tableStates,
  untilPipeline,
} from "./support/streams.ts";

const PARTS = ["delay", "throughput", "idle", "fairness"] as const;
const SOON = "0 seconds";
/** Rows of a commit that streams follow. */
const SMALL_ROWS = 100;
const LARGE_ROWS = 100_000;
const COMMITS = 60;
/** Commits before those that count. */
const WARM_COMMITS = 15;
const COMMIT_EVERY_MS = 1_000;
const FILES = 100;
const RUNS = 3;
const IDLE_PIPELINES = 20;
const IDLE_SECONDS = 60;
/** Idle pipelines let go of their isolates after this time, and a bit. */
const PARKED_MS = 35_000;
/** `GET /api/tables`, 50 times a second. */
const PROBE_INTERVAL_MS = 20;
/** As many rows come out as go in. */
const COLUMNS = "order_id, placed_at, customer_id, upper(country) AS country, amount * 2 AS amount";
const PROJECTION = `SELECT ${COLUMNS} FROM batch`;
const FILTERED = `${PROJECTION} WHERE amount > 1`;
const BESIDE = { withSpark: true, warm: [null, FILTERED] };

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-bench-" });
  const chosen = Deno.args.some((arg) => !/^\d+$/.test(arg))
    ? PARTS.filter((one) => Deno.args.includes(one))
    : PARTS;
  const size = Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? NaN);
  const or = (usual: number) => Number.isNaN(size) ? usual : size;
  try {
    for (const part of chosen) {
      console.log(`-- ${part}`);
      const into = join(folder, part);
      if (part === "delay") await measureDelay(into, or(COMMITS));
      if (part === "throughput") await measureThroughput(into, or(FILES));
      if (part === "idle") await measureIdle(into, or(IDLE_SECONDS));
      if (part === "fairness") await measureFairness(into, or(FILES));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measureDelay(folder: string, commits: number): Promise<void> {
  const all = WARM_COMMITS + commits;
  await withBed({ folder, files: all, rows: SMALL_ROWS, ...BESIDE }, async (bed) => {
    for (const sql of [null, PROJECTION]) {
      const how = sql === null ? "rows as they are" : "through SQL";
      const ours = await delayOf(bed, sql, drls);
      showDelays(`drls, ${how}`, ours);
      if (bed.spark === null) continue;
      showDelays(`Spark, ${how}`, await delayOf(bed, sql, sparkStream), ours);
    }
  });
}

/** Starts a stream that goes on; the function that ends it. */
type Engine = (bed: Bed, stream: Stream) => Promise<() => Promise<void>>;

const drls: Engine = async ({ server }, stream) => {
  const id = await startPipeline(server, { ...stream, trigger: SOON });
  return () => stopPipeline(server, id);
};

const sparkStream: Engine = async ({ spark }, stream) => {
  const { source, sink, checkpoint, sql } = stream;
  await spark?.ask({ start: sink, source, sink, checkpoint, sql });
  return async () => void await spark?.ask({ stop: sink });
};

async function delayOf(bed: Bed, sql: string | null, engine: Engine): Promise<readonly number[]> {
  const { warehouse, files } = bed;
  const { stream, store } = await newStream(bed, { sql, files: [] });
  const stop = await engine(bed, stream);
  for (const file of files) {
    await commit(store, fastAppend({ files: [file] }));
    // Not in step with anybody's looks.
    await pause(COMMIT_EVERY_MS * (0.8 + 0.4 * Math.random()));
  }
  const rows = files.length * SMALL_ROWS;
  while (await rowsOfTable(warehouse.folder, stream.sink) < rows) await pause(COMMIT_EVERY_MS);
  await stop();
  const states = (table: string) => tableStates(warehouse.folder, table);
  return delays(await states(stream.source), await states(stream.sink)).slice(WARM_COMMITS);
}

function showDelays(
  name: string,
  found: readonly number[],
  beside?: readonly number[],
): void {
  const ratio = beside === undefined
    ? ""
    : `; median = ${(median(found) / median(beside)).toFixed(1)} x drls`;
  console.log(
    `${name}: median ${milliseconds(median(found))}, p95 ${milliseconds(percentile(found, 95))}, ` +
      `max ${milliseconds(Math.max(...found))} (${found.length} commits; ${load()})${ratio}`,
  );
}

/** Wall clock and processor, in seconds. */
interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

async function measureThroughput(folder: string, count: number): Promise<void> {
  await withBed({ folder, files: count, rows: LARGE_ROWS, ...BESIDE }, async (bed) => {
    const { server, spark } = bed;
    let sparkMiB = 0;
    for (const sql of [null, FILTERED]) {
      const how = sql === null ? "rows as they are" : "through SQL";
      const ours: Timing[] = [];
      const theirs: Timing[] = [];
      for (let run = 0; run < RUNS; run++) {
        const mine = await newStream(bed, { sql, files: bed.files });
        ours.push(await throughServer(bed, mine.stream));
        if (spark === null) continue;
        const { stream } = await newStream(bed, { sql, files: bed.files });
        const { source, sink, checkpoint } = stream;
        const answer = await spark.ask({ run: sink, source, sink, checkpoint, sql });
        theirs.push({ wall: Number(answer["seconds"]), cpu: Number(answer["cpu_seconds"]) });
        sparkMiB = Number(answer["peak_mib"]);
        await requireSameRows(bed, mine.stream.sink, sink);
      }
      const rows = count * LARGE_ROWS;
      showThroughput(`drls, ${how}`, rows, ours);
      if (spark !== null) showThroughput(`Spark, ${how}`, rows, theirs, ours);
    }
    console.log(`peak resident: drls ${await server.peakResidentMiB()} MiB, Spark ${sparkMiB} MiB`);
  });
}

/** From the request to the end of the last batch. */
async function throughServer({ server }: Bed, stream: Stream): Promise<Timing> {
  const cpu = await server.cpuSeconds();
  const start = performance.now();
  await runPipeline(server, stream);
  const wall = (performance.now() - start) / 1000;
  return { wall, cpu: await server.cpuSeconds() - cpu };
}

async function requireSameRows({ warehouse }: Bed, ours: string, theirs: string): Promise<void> {
  const rows = await rowsOfTable(warehouse.folder, ours);
  const expected = await rowsOfTable(warehouse.folder, theirs);
  if (rows === 0 || rows !== expected) throw new Error(`${rows} rows, Spark has ${expected}`);
}

function showThroughput(
  name: string,
  rows: number,
  timings: readonly Timing[],
  beside?: readonly Timing[],
): void {
  const [wall, cpu] = [
    median(timings.map((one) => one.wall)),
    median(timings.map((one) => one.cpu)),
  ];
  const ratio = beside === undefined
    ? ""
    : ` = ${(wall / median(beside.map((one) => one.wall))).toFixed(2)} x drls by the clock`;
  console.log(
    `${name}: ${wall.toFixed(2)} s, ${(rows / wall / 1e6).toFixed(2)} M rows/s, ` +
      `${cpu.toFixed(2)} s of processor (${timings.length} runs; ${load()})${ratio}`,
  );
}

async function measureIdle(folder: string, seconds: number): Promise<void> {
  const kinds: readonly (readonly [WarehouseCatalog, string])[] = [
    ["hadoop", SOON],
    ["hadoop", "1 second"],
    ["sql", SOON],
  ];
  for (const [catalog, trigger] of kinds) {
    const name = `${IDLE_PIPELINES} idle pipelines, ${catalog}, trigger "${trigger}"`;
    const options = {
      folder: `${folder}-${catalog}-${trigger.replace(" ", "-")}`,
      files: IDLE_PIPELINES + 2,
      rows: SMALL_ROWS,
      catalog,
    };
    await withBed(options, async (bed) => {
      const { server, files } = bed;
      const streams = await Promise.all(
        files.slice(0, IDLE_PIPELINES).map((file) => newStream(bed, { sql: null, files: [file] })),
      );
      const ids: string[] = [];
      for (const { stream } of streams) {
        ids.push(await startPipeline(server, { ...stream, trigger }));
      }
      const isReached = (one: PipelineStatus) => one.batches_processed > 0;
      for (const id of ids) await untilPipeline(server, { id, isReached });
      const awake = await shareOf(server, seconds / 2);
      const awakeMiB = await server.residentMiB();
      await pause(Math.max(0, PARKED_MS - seconds * 500));
      const parked = await shareOf(server, seconds);
      console.log(
        `${name}: ${parked.toFixed(2)} % of a processor, ${await server.residentMiB()} MiB; ` +
          `in the ${seconds / 2} s after their first batch ${
            awake.toFixed(2)
          } %, ${awakeMiB} MiB ` +
          `(${load()})`,
      );
      const [first, again] = await delaysAfter(bed, streams[0]!);
      console.log(
        `  then one source changes: ${milliseconds(first!)}, again ${milliseconds(again!)}`,
      );
    });
  }
}

/** Of one processor, in percent, over some time. */
async function shareOf(server: BenchServer, seconds: number): Promise<number> {
  const before = await server.cpuSeconds();
  const start = performance.now();
  await pause(seconds * 1000);
  return (await server.cpuSeconds() - before) / (performance.now() - start) * 1e5;
}

/** Two commits: to a pipeline that has been idle for long, and to one that has just worked. */
async function delaysAfter(
  { warehouse, files }: Bed,
  { stream, store }: NewStream,
): Promise<readonly number[]> {
  for (const file of files.slice(IDLE_PIPELINES)) {
    await commit(store, fastAppend({ files: [file] }));
    const rows = await rowsOfTable(warehouse.folder, stream.source);
    while (await rowsOfTable(warehouse.folder, stream.sink) < rows) await pause(COMMIT_EVERY_MS);
  }
  const states = (table: string) => tableStates(warehouse.folder, table);
  return delays(await states(stream.source), await states(stream.sink)).slice(1);
}

async function measureFairness(folder: string, count: number): Promise<void> {
  await withBed({ folder, files: count, rows: LARGE_ROWS }, async (bed) => {
    const { server, warehouse } = bed;
    const small = await warehouse.writeFiles({
      schema: ORDERS,
      files: WARM_COMMITS + COMMITS,
      rowsOf: (file) => orders(file, SMALL_ROWS),
    });
    for (const sql of [null, FILTERED]) {
      const catchUp = async (): Promise<void> => {
        const heavy = await newStream(bed, { sql, files: bed.files });
        await runPipeline(server, heavy.stream);
      };
      const waits: number[] = [];
      const found = await besides(catchUp, async (isOver) => {
        const probing = setInterval(
          async () => waits.push(await server.time("/api/tables")),
          PROBE_INTERVAL_MS,
        );
        const delayed = await delayUntil(bed, small, isOver);
        clearInterval(probing);
        return delayed;
      });
      const how = sql === null ? "rows as they are" : "rows through SQL";
      console.log(
        `while ${count * LARGE_ROWS / 1e6} M ${how} are caught up on: GET /api/tables p50 ` +
          `${milliseconds(median(waits))}, p99 ${milliseconds(percentile(waits, 99))} ` +
          `(${waits.length} requests); another pipeline's delay median ` +
          `${milliseconds(median(found))}, max ${milliseconds(Math.max(...found))} ` +
          `(${found.length} commits; ${load()})`,
      );
    }
  });
}

/** Repeats `work` until `look` has seen enough, which is told when a repetition is over. */
async function besides<T>(
  work: () => Promise<void>,
  look: (isOver: () => boolean) => Promise<T>,
): Promise<T> {
  let rounds = 0;
  let isEnough = false;
  const working = (async () => {
    while (!isEnough) {
      await work();
      rounds++;
    }
  })();
  const seen = await look(() => rounds >= RUNS);
  isEnough = true;
  await working;
  return seen;
}

/** Delays of a small stream that gets commits until it is over. */
async function delayUntil(
  bed: Bed,
  files: readonly DataFile[],
  isOver: () => boolean,
): Promise<readonly number[]> {
  const { server, warehouse } = bed;
  const { stream, store } = await newStream(bed, { sql: null, files: [] });
  const id = await startPipeline(server, { ...stream, trigger: SOON });
  let at = 0;
  while (!isOver() && at < files.length) {
    await commit(store, fastAppend({ files: [files[at++]!] }));
    await pause(COMMIT_EVERY_MS * (0.8 + 0.4 * Math.random()));
  }
  const isReached = (one: PipelineStatus) => one.output_rows === at * SMALL_ROWS;
  await untilPipeline(server, { id, isReached });
  await stopPipeline(server, id);
  const states = (table: string) => tableStates(warehouse.folder, table);
  return delays(await states(stream.source), await states(stream.sink));
}

await main();
