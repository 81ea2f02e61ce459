import assert from "node:assert/strict";
import fc from "fast-check";
import { deleteFiles } from "../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { PlannedGroup } from "../../../../lib/maintenance/jobs/mod.ts";
import { BY_REGION, rewriteRows, RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, compact, groupsLeft, range, type Step, STEPS } from "./_compaction.ts";

/** What another writer does, and the rows that are left of 0..11 and those it brings. */
const RIVALS: Readonly<
  Record<string, { act(table: RowTable): Promise<unknown>; expected: readonly number[] }>
> = {
  "an append": {
    act: (table) => table.append([100, 101]),
    expected: [...range(0, 12), 100, 101],
  },
  "deletes by position": {
    act: (table) => table.deleteRows([0, 7]),
    expected: range(0, 12).filter((row) => row !== 0 && row !== 7),
  },
  "an equality delete": {
    act: (table) => table.deleteEqual([3, 4]),
    expected: range(0, 12).filter((row) => row !== 3 && row !== 4),
  },
  "a delete of every row": {
    act: (table) => table.deleteRows(range(0, 12)),
    expected: [],
  },
  "an append of a row that an equality delete then takes": {
    async act(table) {
      await table.append([3, 100]);
      await table.deleteEqual([3]);
    },
    expected: [...range(0, 12).filter((row) => row !== 3), 100],
  },
  "an equality delete followed by an append of the same row": {
    async act(table) {
      await table.deleteEqual([3]);
      await table.append([3]);
    },
    expected: range(0, 12),
  },
};

/** Another writer of a random race. */
interface Writer {
  readonly step: Step;
  readonly time: number;
  readonly kind: string;
  readonly rows: readonly number[];
  readonly region: string;
}

for (const formatVersion of [2, 3] as const) {
  for (const [rival, { act, expected }] of Object.entries(RIVALS)) {
    for (const step of STEPS) {
      for (const useStart of [true, false]) {
        const how = useStart ? "" : " without the starting sequence number";
        Deno.test(`v${formatVersion} compaction bears ${rival} when ${step}${how}`, async () => {
          const table = new RowTable({ formatVersion });
          await appendSmall(table, 6);
          const receipt = await compact(table, {
            options: { "use-starting-sequence-number": useStart },
            at: async (now, time) => {
              if (now === step && time === 1) await act(table);
            },
          });
          assert.deepEqual(await table.rows(), expected);
          assert.equal(receipt.rewritten_files, 6);
          assert.equal(receipt.failed_data_files_count, 0);
          assert.deepEqual(await table.strayData(), []);
          // Time travel: the snapshot that was planned shows what it always showed.
          const before = table.store.history[6]?.metadata;
          const planned = before?.snapshots.find((one) =>
            one.snapshotId === before.currentSnapshotId
          );
          assert.deepEqual(await table.rows(planned), range(0, 12));
        });
      }
    }
  }

  Deno.test(`v${formatVersion} compaction loses and doubles no row in any race`, async () => {
    const writer: fc.Arbitrary<Writer> = fc.record({
      step: fc.constantFrom(...STEPS),
      time: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom("append", "position", "equality", "compaction"),
      rows: fc.uniqueArray(fc.integer({ min: 0, max: 29 }), { minLength: 1, maxLength: 6 }),
      region: fc.constantFrom("eu", "us"),
    });
    const run = async (
      writers: readonly Writer[],
      partial: boolean,
      useStart: boolean,
    ) => {
      const table = new RowTable({ formatVersion });
      await appendSmall(table, 8);
      await appendSmall(table, 7, { from: 16, region: "us" });
      const expected = new Map<number, string>(
        range(0, 30).map((row) => [row, row < 16 ? "eu" : "us"]),
      );
      let next = 1000;
      const act = async ({ kind, rows, region }: Writer) => {
        if (kind === "append") {
          const added = rows.map(() => next++);
          await table.append(added, region);
          for (const row of added) expected.set(row, region);
        } else if (kind === "position") {
          await table.deleteRows(rows);
          for (const row of rows) expected.delete(row);
        } else if (kind === "equality") {
          await table.deleteEqual(rows, region);
          for (const row of rows) if (expected.get(row) === region) expected.delete(row);
        } else await compact(table, { options: { "min-input-files": 2 } });
      };
      const at = async (step: Step, time: number) => {
        for (const one of writers) if (one.step === step && one.time === time) await act(one);
      };
      const options = {
        "use-starting-sequence-number": useStart,
        "partial-progress.enabled": partial,
        "max-concurrent-file-group-rewrites": 1,
      };
      const receipt = await compact(table, { options, at });
      assert.deepEqual(await table.rows(), [...expected.keys()].sort((a, b) => a - b));
      const settled = receipt.rewritten_files + receipt.failed_data_files_count;
      assert.equal(settled, 15);
      assert.deepEqual(await table.strayData(), []);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(writer, { maxLength: 4 }), fc.boolean(), fc.boolean(), run),
      { numRuns: 150 },
    );
  });
}

/** By the first letter of the region: the spec that a table by region has got since. */
const BY_LETTER: PartitionSpec = {
  specId: 1,
  fields: [{
    sourceIds: [2],
    fieldId: 1001,
    name: "region_trunc",
    transform: { kind: "truncate", width: 1 },
  }],
};

/** A table of six files by region, which from now on is partitioned by letter. */
async function repartitioned(formatVersion: FormatVersion): Promise<RowTable> {
  const table = new RowTable({
    formatVersion,
    partitionSpecs: [BY_REGION, BY_LETTER],
    lastPartitionId: 1001,
    defaultSpecId: 1,
  });
  await appendSmall(table, 6);
  return table;
}

/** Rewrites a group by letter. */
async function byLetter(table: RowTable, group: PlannedGroup): Promise<readonly DataFile[]> {
  const files = await rewriteRows(group, table.state);
  return files.map((file) => ({ ...file, specId: 1, partition: ["e"] }));
}

for (const formatVersion of [2, 3] as const) {
  for (const step of STEPS) {
    // Deletes of a partition are for files of their own spec, so that they do not follow rows.
    Deno.test(`v${formatVersion} compaction into another spec brings no row back that an equality delete took when ${step}`, async () => {
      const table = await repartitioned(formatVersion);
      const receipt = await compact(table, {
        rewrite: (group) => byLetter(table, group),
        at: async (now, time) => {
          if (now === step && time === 1) await table.deleteEqual([3, 4]);
        },
      });
      assert.deepEqual(await table.rows(), range(0, 12).filter((row) => row !== 3 && row !== 4));
      assert.equal(receipt.rewritten_files, 6);
      assert.deepEqual(await table.strayData(), []);
    });

    Deno.test(`v${formatVersion} compaction into another spec loses no row to an equality delete of that spec that came when ${step}`, async () => {
      const table = await repartitioned(formatVersion);
      const receipt = await compact(table, {
        rewrite: (group) => byLetter(table, group),
        at: async (now, time) => {
          const there = { specId: 1, partition: ["e"] };
          if (now === step && time === 1) await table.deleteEqual([3, 4], "eu", there);
        },
      });
      assert.deepEqual(await table.rows(), range(0, 12));
      assert.equal(receipt.rewritten_files, 6);
    });
  }
}

Deno.test("compaction keeps rows deleted that one delete file took from a whole region", async () => {
  for (const step of STEPS) {
    const table = new RowTable();
    await appendSmall(table, 6);
    await compact(table, {
      at: async (now, time) => {
        if (now === step && time === 1) await table.deleteInRegion([1, 10]);
      },
    });
    assert.deepEqual(await table.rows(), range(0, 12).filter((row) => row !== 1 && row !== 10));
    // The delete file is still there, and applies to nothing: no reason to compact once more.
    assert.equal(await groupsLeft(table, { "delete-file-threshold": 1 }), 0);
  }
});

Deno.test("compaction that loses every commit changes nothing and leaves nothing behind", async () => {
  const table = new RowTable();
  await appendSmall(table, 6);
  let next = 100;
  const run = compact(table, {
    at: async (step) => {
      if (step === "committing") await table.append([next++]);
    },
  });
  await assert.rejects(run, { kind: "conflict", code: "commit_conflict" });
  assert.deepEqual(await table.rows(), [...range(0, 12), ...range(100, next)]);
  assert.deepEqual(await table.strayData(), []);
});

Deno.test("compaction announces before its commit what it answers after it, groups given up included", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  await appendSmall(table, 5, { from: 10, region: "us" });
  const { announced, ...receipt } = await compact(table, {
    at: async (step, time) => {
      if (step !== "written" || time !== 1) return;
      const [task] = await table.tasks();
      assert(task !== undefined);
      await table.commit(deleteFiles({ files: [task] }));
    },
  });
  assert.deepEqual(receipt.failed_file_groups, [{ reason: "files_replaced_meanwhile", files: 5 }]);
  assert.deepEqual(announced.at(-1), receipt);
});

Deno.test("compaction gives a group up whose rows are deleted each time, and keeps the others", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  await appendSmall(table, 5, { from: 10, region: "us" });
  let victim = 0;
  const receipt = await compact(table, {
    at: async (step) => {
      if (step === "written") await table.deleteRows([victim++]);
    },
  });
  assert.deepEqual(await table.rows(), range(victim, 20));
  assert.equal(receipt.failed_data_files_count, 5);
  assert.deepEqual(receipt.failed_file_groups, [{ reason: "rows_deleted_meanwhile", files: 5 }]);
  assert.equal(receipt.rewritten_files, 5);
  assert.deepEqual(await table.strayData(), []);
});

Deno.test("compaction drops a group whose files another compaction replaced, and reports it", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  await appendSmall(table, 5, { from: 10, region: "us" });
  const receipt = await compact(table, {
    at: async (step, time) => {
      if (step === "written" && time === 1) await compact(table, { where: "region = 'us'" });
    },
  });
  assert.deepEqual(await table.rows(), range(0, 20));
  assert.equal(receipt.rewritten_files, 5);
  assert.deepEqual(receipt.failed_file_groups, [{ reason: "files_replaced_meanwhile", files: 5 }]);
  assert.deepEqual(await table.strayData(), []);
  assert.equal(await groupsLeft(table), 0);
});

Deno.test("compaction starts over where the snapshot it planned in has expired", async () => {
  const table = new RowTable();
  await appendSmall(table, 6);
  const receipt = await compact(table, {
    at: async (step, time) => {
      if (step !== "written" || time !== 1) return;
      await table.append([100]);
      table.store.replace((metadata) => ({
        ...metadata,
        snapshots: metadata.snapshots.slice(-1),
        snapshotLog: metadata.snapshotLog.slice(-1),
      }));
    },
  });
  assert.deepEqual(await table.rows(), [...range(0, 12), 100]);
  assert.equal(receipt.rewritten_files, 6);
  assert.deepEqual(await table.strayData(), []);
});
