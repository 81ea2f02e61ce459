/**
 * The law that no operation may break: whatever is planned, overtaken, retried, refused, rolled back
 * or expired, readers see exactly the rows that the committed operations leave. None is lost, none
 * comes back, none is there twice.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../../lib/errors.ts";
import { applyUpdates } from "../../../../../lib/iceberg/commit/apply_updates.ts";
import { filesOnlyReachableFrom } from "../../../../../lib/iceberg/reachability/files_only_reachable_from.ts";
import { ancestorsOf } from "../../../../../lib/iceberg/scan/ancestors_of.ts";
import type { FormatVersion } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import {
  type Choice,
  KINDS,
  type PlacedRow,
  type Planned,
  planOperation,
} from "./_random_operation.ts";
import { type Row, RowModel } from "./_row_model.ts";
import { emptyMetadata, NOW_MS, shortName, TestTable } from "./_table.ts";

type Step =
  | { readonly step: "plan"; readonly choice: Choice }
  /** An attempt that loses its race: applied now, committed later. */
  | { readonly step: "try"; readonly which: number }
  | { readonly step: "commit"; readonly which: number }
  | { readonly step: "expire"; readonly keep: number }
  | { readonly step: "roll back"; readonly by: number }
  | { readonly step: "upgrade" };

const number = fc.nat({ max: 1_000 });
const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.constantFrom(
    ...KINDS,
    ...["append", "delete rows", "compact", "compact", "remove dangling deletes"] as const,
  ),
  a: number,
  b: number,
  c: number,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ step: fc.constant("plan" as const), choice }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("try" as const), which: number }) },
  { weight: 10, arbitrary: fc.record({ step: fc.constant("commit" as const), which: number }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("expire" as const), keep: number }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("roll back" as const), by: number }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("upgrade" as const) }) },
);

interface Pending {
  readonly planned: Planned;
  readonly operationId: string;
  attempts: number;
}

/** How often what happened, over all runs: a law about nothing proves nothing. */
const seen = new Map<string, number>();

class World {
  readonly table: TestTable;
  readonly #model = new RowModel();
  readonly #pending: Pending[] = [];
  /** Rows that each snapshot must show. */
  readonly #rows = new Map<bigint, readonly Row[]>();
  readonly #rowIds = new Map<string, bigint>();
  #operations = 0;

  constructor(formatVersion: FormatVersion) {
    const properties = { "commit.manifest.min-count-to-merge": "3" };
    this.table = new TestTable(emptyMetadata(formatVersion, { properties }));
  }

  /** A few files to begin with. */
  async start(): Promise<void> {
    for (const a of [0, 1, 2, 3]) {
      await this.take({ step: "plan", choice: { kind: "append", a, b: a, c: 3 } });
      await this.take({ step: "commit", which: 0 });
    }
  }

  async take(one: Step): Promise<void> {
    switch (one.step) {
      case "plan": {
        const planned = await planOperation(this.table, this.#model, one.choice);
        const operationId = `operation-${++this.#operations}`;
        if (planned !== null) this.#pending.push({ planned, operationId, attempts: 0 });
        return;
      }
      case "try":
        return await this.#try(this.#pending[one.which % Math.max(1, this.#pending.length)]);
      case "commit": {
        const at = one.which % Math.max(1, this.#pending.length);
        const [pending] = this.#pending.splice(at, 1);
        if (pending !== undefined) await this.#commit(pending);
        return;
      }
      case "expire":
        return await this.#expire(1 + one.keep % 4);
      case "roll back":
        return await this.#rollBack(one.by);
      case "upgrade":
        return this.#upgrade();
    }
  }

  /** Commits what is left, and looks at every snapshot. */
  async finish(): Promise<void> {
    for (const pending of this.#pending.splice(0)) await this.#commit(pending);
    for (const snapshot of this.table.metadata.snapshots) {
      const rows = this.#rows.get(snapshot.snapshotId);
      assert(rows !== undefined);
      assert.deepEqual(await this.#model.ids(this.table, snapshot), idsOf(rows));
    }
  }

  async #try(pending: Pending | undefined): Promise<void> {
    if (pending === undefined) return;
    try {
      await pending.planned.action.apply(this.#attempt(pending));
    } catch (error) {
      requireConflict(error);
    }
  }

  async #commit(pending: Pending): Promise<void> {
    const { action, effect, withoutConflicts } = pending.planned;
    const before = await this.#placed();
    const { currentSnapshotId: head } = this.table.metadata;
    try {
      await this.table.run(action, this.#attempt(pending));
    } catch (error) {
      requireConflict(error);
      count(`${action.name}: ${error instanceof AppError ? error.code : ""}`);
      const files = await this.table.files();
      assert(files.every((location) => !location.includes(`${pending.operationId}-m`)));
      const rest = withoutConflicts?.(error) ?? null;
      if (rest === null) return;
      const operationId = `${pending.operationId}-rest`;
      return await this.#commit({ planned: rest, operationId, attempts: 0 });
    }
    if (this.table.metadata.currentSnapshotId === head) return count(`${action.name}: nothing`);
    count(`${action.name}: committed${pending.attempts > 1 ? " again" : ""}`);
    if (pending.operationId.endsWith("-rest")) count("rest committed");
    this.#rows.set(this.table.head.snapshotId, effect(before));
    await this.#check();
  }

  /** What readers see must be what operations left, and metadata must say so. */
  async #check(): Promise<void> {
    const { table } = this;
    const { head } = table;
    assert.deepEqual(
      await this.#model.ids(table, head),
      idsOf(this.#rows.get(head.snapshotId) ?? []),
    );
    const live = await table.live();
    const names = live.map(({ entry }) => shortName(entry.dataFile));
    assert.equal(new Set(names).size, names.length, "a file is live twice");
    const data = live.filter(({ manifest }) => manifest.content === "data");
    assert.equal(head.summary["total-data-files"], String(data.length));
    assert.equal(head.summary["total-delete-files"], String(live.length - data.length));
    const records = data.reduce((sum, { entry }) => sum + entry.dataFile.recordCount, 0);
    assert.equal(head.summary["total-records"], String(records));
    const counted = (await table.manifests()).reduce(
      (sum, manifest) => sum + (manifest.addedFilesCount ?? 0) + (manifest.existingFilesCount ?? 0),
      0,
    );
    assert.equal(counted, live.length, "manifest lists miscount");
    if (table.metadata.formatVersion === 3) {
      this.#checkRowIds(data.map(({ entry }) => entry.dataFile));
    }
  }

  #checkRowIds(
    files: readonly { filePath: string; firstRowId: bigint | null; recordCount: number }[],
  ) {
    const taken: [bigint, bigint][] = [];
    for (const { filePath, firstRowId, recordCount } of files) {
      assert(firstRowId !== null, `${filePath} has no row ids`);
      assert.equal(this.#rowIds.get(filePath) ?? firstRowId, firstRowId, "row ids have changed");
      this.#rowIds.set(filePath, firstRowId);
      taken.push([firstRowId, firstRowId + BigInt(recordCount)]);
    }
    taken.sort(([a], [b]) => a < b ? -1 : 1);
    for (const [i, [, end]] of taken.entries()) {
      assert(end <= (taken[i + 1]?.[0] ?? this.table.metadata.nextRowId ?? 0n), "row ids overlap");
    }
  }

  async #placed(): Promise<readonly PlacedRow[]> {
    if (this.table.metadata.currentSnapshotId === null) return [];
    const files = await this.#model.read(this.table, this.table.head);
    return files.flatMap(({ task, rows }) =>
      [...rows.values()].map((row) => ({ ...row, filePath: task.dataFile.filePath }))
    );
  }

  async #expire(keep: number): Promise<void> {
    const { metadata, io } = this.table;
    const { currentSnapshotId } = metadata;
    if (currentSnapshotId === null) return;
    const kept = new Set([...ancestorsOf(metadata, currentSnapshotId)].slice(0, keep));
    const expired = metadata.snapshots.filter((one) => !kept.has(one));
    if (expired.length === 0) return;
    count("expired");
    const snapshotIds = expired.map((one) => one.snapshotId);
    const update = { action: "remove-snapshots", snapshotIds } as const;
    this.table.replace(applyUpdates(metadata, [update], { nowMs: NOW_MS }));
    for await (
      const { kind, location } of filesOnlyReachableFrom({
        io,
        metadata,
        expired,
        kept: this.table.metadata.snapshots,
      })
    ) {
      if (kind.startsWith("manifest")) await io.delete(location);
      else this.#model.delete(location);
    }
  }

  async #rollBack(by: number): Promise<void> {
    const { metadata } = this.table;
    const main = metadata.refs.get("main");
    if (main === undefined) return;
    const lineage = [...ancestorsOf(metadata, main.snapshotId)];
    const target = lineage[by % Math.min(3, lineage.length)];
    if (target === undefined || target.snapshotId === main.snapshotId) return;
    count("rolled back");
    const ref = { ...main, snapshotId: target.snapshotId };
    const update = { action: "set-snapshot-ref", ref } as const;
    this.table.replace(applyUpdates(metadata, [update], { nowMs: NOW_MS }));
    // Files of before the upgrade get row ids by the first commit on each line of history.
    this.#rowIds.clear();
    for (const { entry: { dataFile: { filePath, firstRowId } } } of await this.table.live()) {
      if (firstRowId !== null) this.#rowIds.set(filePath, firstRowId);
    }
  }

  #upgrade(): void {
    const { metadata } = this.table;
    if (metadata.formatVersion === 3) return;
    count("upgraded");
    const update = { action: "upgrade-format-version", formatVersion: 3 } as const;
    this.table.replace(applyUpdates(metadata, [update], { nowMs: NOW_MS }));
  }

  #attempt(pending: Pending) {
    const { operationId } = pending;
    return this.table.attempt({ operationId, attempt: ++pending.attempts });
  }
}

function requireConflict(error: unknown): void {
  if (!(error instanceof AppError) || error.kind !== "conflict") throw error;
}

function idsOf(rows: readonly Row[]): readonly number[] {
  return rows.map((row) => row.id).sort((a, b) => a - b);
}

function count(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

for (const formatVersion of [2, 3] as const) {
  Deno.test(`no row is lost or comes back in a v${formatVersion} table, whatever comes in between`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const world = new World(formatVersion);
        await world.start();
        for (const one of steps) await world.take(one);
        await world.finish();
      }),
      { numRuns: 200 },
    );
  });
}

Deno.test("the law was tried on every kind of commit, and on every kind of conflict", () => {
  const expected = [
    "append: committed",
    "row delta: committed",
    "replace: committed",
    "delete: committed",
    "overwrite: committed",
    "replace partitions: committed",
    "replace partitions: committed again",
    "rewrite manifests: committed",
    "remove dangling deletes: committed",
    "replace: rewrite_conflict",
    "replace: starting_snapshot_lost",
    "row delta: files_missing",
    "row delta: delete_conflict",
    "row delta: delete_format_mismatch",
    "delete: files_missing",
    "append: committed again",
    "replace: committed again",
    "rest committed",
    "expired",
    "rolled back",
    "upgraded",
  ];
  assert.deepEqual(expected.filter((what) => !seen.has(what)), [], JSON.stringify([...seen]));
});
