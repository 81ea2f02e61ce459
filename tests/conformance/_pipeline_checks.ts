/** What must hold of pipelines once all is quiet: of rows, of the sink's history, of the state. */
import assert from "node:assert/strict";
import { basename, join } from "node:path/posix";
import type { OffsetProperty } from "../../lib/pipelines/contract/offset.ts";
import { type SeenTable, type Sight, succeed } from "./_kill_bed.ts";
import { pause } from "./_kill_moments.ts";
import type { PipelineBed } from "./_pipeline_bed.ts";
import { type Flow, FLOWS, SOURCE } from "./_pipeline_flows.ts";
import { currentMetadata, offsetIn, readMetadata, type SinkMetadata } from "./_pipeline_moments.ts";
import { idsOfRuns, type WriterLedger } from "./_writer_ledger.ts";

/** How long pipelines may take to catch up once nobody appends: a dead server is noticed meanwhile. */
const CAUGHT_UP_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 100;

/** What was seen in the end. */
export interface Seen {
  /** Of the source. */
  readonly rows: number;
}

/** Throws unless sinks have exactly the rows of the source, each once. Nobody may write. */
export async function checkPipelines(
  bed: PipelineBed,
  { ledger, histories }: {
    readonly ledger: WriterLedger;
    readonly histories: ReadonlyMap<string, SinkHistory>;
  },
): Promise<Seen> {
  const ids = idsOf(await bed.look(bed.place(SOURCE)), SOURCE);
  const { surely, perhaps } = ledger.begin()();
  assertSame("the source has lost acknowledged rows", surely.difference(ids));
  assertSame("the source has rows from nowhere", ids.difference(perhaps));
  await requireSameIds(bed, SOURCE, ids);
  for (const flow of FLOWS) {
    await caughtUp(bed, flow, ids.size);
    const history = histories.get(flow.sink)!;
    history.follow();
    const found = idsOf(await bed.look(bed.place(flow.sink)), flow.sink);
    const expected = flow.expected(ids);
    assertSame(`${flow.sink} has lost rows`, expected.difference(found));
    assertSame(`${flow.sink} has rows from nowhere`, found.difference(expected));
    await requireSameIds(bed, flow.sink, found);
    requireTotals(flow, history.newest, { ids, found });
  }
  return { rows: ids.size };
}

/** Waits until the sink has been told of every row of the source; each counts, also if it comes twice. */
async function caughtUp(bed: PipelineBed, flow: Flow, rows: number): Promise<void> {
  const giveUpAt = performance.now() + CAUGHT_UP_WITHIN_MS;
  for (;;) {
    await bed.ensureRunning(flow);
    const path = currentMetadata(bed, flow);
    const offset = path === null ? null : offsetIn(readMetadata(path) ?? {});
    const record = bed.record(flow);
    const read = offset?.totals.input_rows ?? 0;
    assert(read <= rows, `${flow.sink} was told of ${read} rows, the source has ${rows}`);
    if (read === rows && record.batches === offset?.batch_id) return;
    const late = `${flow.sink} was told of ${read} of ${rows} rows: ${JSON.stringify(record)}`;
    assert(performance.now() < giveUpAt, late);
    await pause(LOOK_EVERY_MS);
  }
}

/** Ids that PyIceberg reads, each of which is there once and has what belongs to it. */
function idsOf({ table, missing }: Sight, name: string): ReadonlySet<number> {
  assert(table !== null, `${name} is not there`);
  assert.deepEqual(missing, [], `${name} needs files that are not there`);
  assert.equal(table.wrong_rows, 0, `${name} has wrong rows`);
  return idsOfRuns(table.ids as SeenTable["ids"]);
}

/** What drls itself reads. */
async function requireSameIds(
  bed: PipelineBed,
  table: string,
  expected: ReadonlySet<number>,
): Promise<void> {
  const sql =
    `SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(id) AS sum, sum(id * id) AS squares,
    count(*) FILTER (WHERE part <> id & 3 OR name <> 'n' || id OR note <> 'note' || (id & 7)
      OR score <> id & 1023) AS wrong FROM ${table}`;
  const { rows } = await succeed(bed.anyServer(), "/query", { sql });
  const [row] = rows as readonly Record<string, unknown>[];
  const sum = [...expected].reduce((total, id) => total + BigInt(id), 0n);
  const squares = [...expected].reduce((total, id) => total + BigInt(id) * BigInt(id), 0n);
  const seen = Object.fromEntries(
    Object.entries(row ?? {}).map(([name, value]) => [name, String(value ?? 0)]),
  );
  const size = String(expected.size);
  assert.deepEqual(seen, {
    ...{ n: size, ids: size, sum: String(sum), squares: String(squares), wrong: "0" },
  }, `drls reads other rows of ${table} than PyIceberg`);
}

/** Sums over the life of the stream are what can be counted. */
function requireTotals(
  flow: Flow,
  offset: OffsetProperty | null,
  { ids, found }: { readonly ids: ReadonlySet<number>; readonly found: ReadonlySet<number> },
): void {
  const { input_rows, output_rows, deleted_rows } = offset!.totals;
  assert.deepEqual(
    { input_rows, output_rows, deleted_rows },
    {
      input_rows: ids.size,
      output_rows: flow.outputRows(ids),
      deleted_rows: flow.outputRows(ids) - found.size,
    },
    `totals of ${flow.sink}`,
  );
}

/** Follows all that ever was in force of a sink: batches without gaps and repeats, each one snapshot. */
export class SinkHistory {
  readonly #bed: PipelineBed;
  readonly #flow: Flow;
  /** Of snapshots that were seen, by the places of their lists. */
  #lists: ReadonlySet<string> = new Set();
  #path: string | null = null;
  #offset: OffsetProperty | null = null;
  /** Commits of others. */
  #others = 0;
  #owners = 0;

  constructor(bed: PipelineBed, flow: Flow) {
    this.#bed = bed;
    this.#flow = flow;
  }

  /** What the sink was told last. */
  get newest(): OffsetProperty | null {
    return this.#offset;
  }

  /** Figures, as text. */
  toString(): string {
    const batches = this.#offset?.batch_id ?? 0;
    return `${this.#flow.sink}: ${batches} batches, ${this.#owners} owners that committed, ` +
      `${this.#others} other commits`;
  }

  /** Reads on from where it was read to before. */
  follow(): void {
    const current = currentMetadata(this.#bed, this.#flow);
    if (current === null) return;
    const metadata = readMetadata(current)!;
    const folder = join(this.#bed.place(this.#flow.sink).folder, "metadata");
    const log = (metadata["metadata-log"] ?? []).map((one) => basename(one["metadata-file"]));
    const chain = [...log, basename(current)];
    const at = this.#path === null ? -1 : chain.indexOf(this.#path);
    assert(
      this.#path === null || at >= 0,
      `the log of ${this.#flow.sink} does not go back far enough`,
    );
    for (const name of chain.slice(at + 1)) this.#step(readMetadata(join(folder, name))!, name);
    this.#path = basename(current);
  }

  #step(metadata: SinkMetadata, name: string): void {
    const { sink } = this.#flow;
    const snapshots = metadata.snapshots ?? [];
    const lists = new Set(snapshots.map((one) => one["manifest-list"] ?? ""));
    const added = snapshots.filter((one) => !this.#lists.has(one["manifest-list"] ?? ""));
    const before = this.#offset;
    const offset = offsetIn(metadata);
    const told = added.flatMap((one) =>
      Object.entries(one.summary ?? {}).flatMap(([key, text]) =>
        key.startsWith("drls.stream.") ? [{ offset: JSON.parse(text), one }] : []
      )
    );
    if (JSON.stringify(offset) === JSON.stringify(before)) {
      assert.deepEqual(told, [], `${sink}, ${name}: a batch without its offset`);
      this.#others++;
    } else {
      assert(offset !== null, `${sink}, ${name}: the offset is gone`);
      assert.equal(offset.batch_id, (before?.batch_id ?? 0) + 1, `${sink}, ${name}: batches`);
      assert(offset.epoch >= (before?.epoch ?? 0), `${sink}, ${name}: an owner came back`);
      assert.equal(told.length, 1, `${sink}, ${name}: ${told.length} snapshots of a batch`);
      const { one: { summary, ...snapshot } } = told[0]!;
      const { sink_snapshot: place, ...rest } = offset;
      assert.deepEqual(told[0]!.offset, rest, `${sink}, ${name}`);
      // Ids are more than a number of JavaScript holds; the list has it in its name.
      assert(
        snapshot["manifest-list"]?.includes(`/snap-${place?.snapshot_id}-`),
        `${sink}, ${name}`,
      );
      const rows = offset.totals.output_rows - (before?.totals.output_rows ?? 0);
      assert.equal(Number(summary?.["added-records"] ?? 0), rows, `${sink}, ${name}: rows`);
      if (offset.epoch !== before?.epoch) this.#owners++;
    }
    this.#offset = offset;
    this.#lists = lists;
  }
}

function assertSame(what: string, ids: ReadonlySet<number>): void {
  assert.equal(ids.size, 0, `${what}: ${ids.size}, such as ${[...ids].slice(0, 20).join(", ")}`);
}
