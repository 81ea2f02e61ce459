/** Planning over real tables, against what other readers say of them. */
import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import { parseWhere } from "../../../../lib/iceberg/expression/parse_where.ts";
import { isDeletionVector } from "../../../../lib/iceberg/scan/delete_index.ts";
import { addedFiles, snapshotSteps } from "../../../../lib/iceberg/scan/incremental_append.ts";
import { liveFiles } from "../../../../lib/iceberg/scan/live_files.ts";
import { planFiles } from "../../../../lib/iceberg/scan/plan_files.ts";
import { resolveSnapshot } from "../../../../lib/iceberg/scan/time_travel.ts";
import { snapshotById } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { openFixture, planCurrent, shortName } from "./_fixture.ts";
import { fixtureTest } from "../../../support/fixtures.ts";

const EQUALITY = "equality_deletes/warehouse/mydb/mytable/metadata/v7.metadata.json";
const PARTITIONED = "equality_deletes/warehouse/mydb/mytable_partitioned/metadata/v6.metadata.json";
const SPARK = "hyperparam/spark/bunnies/metadata/v5.metadata.json";
const JAVA = "hyperparam/java/bunnies/metadata/v5.metadata.json";
const RENAMED = "hyperparam/spark/rename_column/metadata/v3.metadata.json";
const VECTOR =
  "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/" +
  "00002-legacy-bare-dv.metadata.json";
const BIGINT = "partition_bigint/metadata/v2.metadata.json";
const DECIMAL = "partition_decimal_integer/metadata/v2.metadata.json";
const TIMESTAMP = "partition_timestamp/default.db/partition_timestamp/metadata/" +
  "00001-0c9938a5-103e-4185-b46d-331368ae4db7.metadata.json";
const HIVE = "hive_partitioned_table/metadata/v4.metadata.json";
const NULLS = "null_stats/default/test_nulls/metadata/" +
  "00003-9d6a621e-8a72-4190-a880-f6ca02e32b86.metadata.json";
const UUIDS = "uuid/metadata/00001-43fda1f4-1c96-4376-ad16-91beb71d0759.metadata.json";

/**
 * Files by filter, as `StaticTable.scan(row_filter).plan_files()` of PyIceberg 0.12.0 gives them,
 * by the last five characters of their names. A third column is what drls finds, where that is
 * less: SQL's `<>` and NOT leave nulls out, and one value that fills a file rules the file out.
 */
const FILTERS: readonly (readonly [string, string, string, string?])[] = [
  [RENAMED, "id = 3", "00002"],
  [RENAMED, "id in (1, 4)", "00003 00001"],
  [RENAMED, "id > 2", "00002 00003"],
  [RENAMED, "name LIKE 'Mop%'", "00001"],
  [RENAMED, "event_date = '2022-01-01'", "00001"],
  [RENAMED, "event_date is null", "00002"],
  [RENAMED, "event_date >= '2022-01-02'", "00003"],
  [RENAMED, "price > 1000", "00003"],
  [RENAMED, "price < 0.00", "00001"],
  [RENAMED, "active = false", "00003 00001"],
  [RENAMED, "not active = true", "00002 00003 00001", "00003 00001"],
  [RENAMED, "name is not null", "00002 00003 00001"],
  [RENAMED, "name < 'D'", "00002"],
  [RENAMED, "event_date != '2022-01-01'", "00002 00003", "00003"],
  [BIGINT, "partition_col = 9223372036854775807", "00001"],
  [BIGINT, "partition_col < 0", "00002"],
  [BIGINT, "partition_col >= -9223372036854775808", "00001 00002"],
  [BIGINT, "user_id = 12345", "00001"],
  [BIGINT, "event_type = 'click'", "00001"],
  [BIGINT, "partition_col > 9223372036854775807", ""],
  [DECIMAL, "partition_col = 42.5630", "00001"],
  [DECIMAL, "partition_col > 2", "00003 00001"],
  [DECIMAL, "partition_col < 1.2300", ""],
  [DECIMAL, "event_type LIKE 'p%'", "00002"],
  [DECIMAL, "partition_col in (1.2300, 42.5630)", "00002 00001"],
  [TIMESTAMP, "partition_col >= '2023-08-22T09:15:20'", "5e611"],
  [TIMESTAMP, "partition_col < '2023-05-15T14:30:45'", ""],
  [TIMESTAMP, "partition_col <= '2023-05-15T14:30:45'", "5e611"],
  [TIMESTAMP, "partition_col = '2023-05-15T14:30:45'", "5e611"],
  [HIVE, "event_date = '2024-01-02'", "00002"],
  [HIVE, "event_date > '2024-01-02'", "00001 00002 00003 00004"],
  [HIVE, "event_type = 'view'", "00001 00004"],
  [HIVE, "event_date >= '2024-01-03' and event_type in ('click', 'purchase')", "00002 00003"],
  [HIVE, "event_date = '2024-01-04' or event_type = 'click'", "00002 00003 00004 00001"],
  [HIVE, "user_id < 20000", "00001 00001"],
  [HIVE, "event_type LIKE 'p%'", "00003 00002"],
  [HIVE, "event_type is null", ""],
  [HIVE, "not (event_type = 'view' or event_date = '2024-01-01')", "00002 00003 00002"],
  [NULLS, "flag is null", "ea02a 46080 9f8d9"],
  [NULLS, "flag = false", "ea02a 9f8d9"],
  [NULLS, "flag is not null", "ea02a 46080 9f8d9"],
  [NULLS, "id between 5 and 7", "ea02a 46080"],
  [NULLS, "ts > '2025-03-01T00:00:00+00:00'", ""],
  [UUIDS, "uuid = '1571effb-facd-42a3-90e9-0af522e9b6c2'", "00001"],
  [UUIDS, "uuid > '80000000-0000-0000-0000-000000000000'", "00001"],
  [VECTOR, "id = 2", "68014"],
  [VECTOR, "id > 3", ""],
];

for (const [path, where, theirs, fewer] of FILTERS) {
  fixtureTest(
    `planFiles() finds in ${path.split("/metadata/")[0]} the files for ${where}`,
    async () => {
      const tasks = await planCurrent(await openFixture(path), where);
      assert.equal(
        tasks.map((task) => shortName(task.dataFile.filePath)).join(" "),
        fewer ?? theirs,
      );
    },
  );
}

/** Data files with the delete files that apply to each, sorted. */
async function deletesByFile(path: string): Promise<Record<string, string>> {
  const tasks = await planCurrent(await openFixture(path));
  return Object.fromEntries(tasks.map((task) => [
    shortName(task.dataFile.filePath),
    task.deletes.map((file) => shortName(file.dataFile.filePath)).sort().join(" "),
  ]));
}

// PyIceberg 0.12 refuses tables with equality deletes, so that what follows is derived by hand from
// their manifest entries (sequence numbers, partitions, bounds) and the rules of the specification.

fixtureTest(
  "planFiles() applies unpartitioned equality deletes to older files in range",
  async () => {
    // Data: sequence 1 with ids 1-4, names a-d; sequence 5 with ids 5-6, names e-f. Deletes: 2 on
    // name b, 3 on id 1, 4 on (3, c), 6 on name f: its range touches the younger file only.
    const tasks = await planCurrent(await openFixture(EQUALITY));
    const found = tasks.map((task) => [
      task.sequenceNumber,
      task.deletes.map((d) => `${d.sequenceNumber} ${shortName(d.dataFile.filePath)}`),
    ]);
    assert.deepEqual(found, [
      [5n, ["6 ecfde"]],
      [1n, ["2 ad532", "3 379db", "4 afa98"]],
    ]);
  },
);

fixtureTest("planFiles() applies partitioned equality deletes within their partition", async () => {
  const tasks = await planCurrent(await openFixture(PARTITIONED));
  const found = tasks.map((task) => [
    task.dataFile.partition[0],
    task.deletes.map((d) => d.sequenceNumber),
  ]);
  assert.deepEqual(found, [
    ["e", []],
    ["f", [5n]],
    ["a", []],
    ["b", [2n]],
    ["c", [3n]],
    ["d", []],
  ]);
});

fixtureTest(
  "planFiles() leaves out equality deletes that cannot touch a row of the filter",
  async () => {
    const table = await openFixture(EQUALITY);
    const tasks = await planCurrent(table, "name = 'a'");
    // The delete on id 1 knows nothing of names; those on names b, c and f do.
    assert.deepEqual(tasks.map((task) => task.deletes.map((d) => d.sequenceNumber)), [[3n]]);
    const { metadata, manifests } = table;
    const { snapshot } = resolveSnapshot(metadata, { kind: "current" });
    assert.ok(snapshot);
    const whole = planFiles({ metadata, manifests, snapshot, rows: "all" });
    assert.equal((await Array.fromAsync(whole)).flatMap((task) => task.deletes).length, 4);
  },
);

fixtureTest("planFiles() finds no deletes for the file that replaced a deleted one", async () => {
  // As PyIceberg 0.12.0: the position deletes name the replaced file by their path bounds.
  assert.deepEqual(await deletesByFile(SPARK), { "00001": "" });
  const table = await openFixture(SPARK);
  const before = snapshotById(table.metadata, 469881615898633426n);
  assert.ok(before);
  const [task] = await Array.fromAsync(planFiles({ ...table, snapshot: before }));
  assert.equal(task?.dataFile.recordCount, 21);
  assert.deepEqual(task.deletes.map((d) => d.dataFile.recordCount), [1]);
});

fixtureTest(
  "planFiles() applies position deletes whose path bounds are truncated by partition",
  async () => {
    const tasks = await planCurrent(await openFixture(JAVA));
    const found = tasks.map((task) => [
      task.dataFile.recordCount,
      task.deletes.map((d) => d.dataFile.content),
    ]);
    assert.deepEqual(found, [[1, []], [21, ["equality_deletes", "position_deletes"]]]);
  },
);

fixtureTest("planFiles() applies a deletion vector to the file it names", async () => {
  const [task] = await planCurrent(await openFixture(VECTOR));
  const [vector, ...others] = task?.deletes ?? [];
  assert.ok(vector && isDeletionVector(vector.dataFile));
  assert.deepEqual(others, []);
  assert.equal(vector.dataFile.recordCount, 1);
});

fixtureTest("planFiles() leaves nothing of a filter that the partition decides", async () => {
  const tasks = await planCurrent(await openFixture(HIVE), "event_date = '2024-01-03'");
  assert.deepEqual(tasks.map((task) => task.residual), [
    { kind: "constant", value: true },
    { kind: "constant", value: true },
  ]);
  const partly = await planCurrent(
    await openFixture(HIVE),
    "event_date = '2024-01-03' and user_id > 1",
  );
  assert.deepEqual(
    partly.map(({ residual }) => residual.kind === "predicate" && residual.ref.name),
    ["user_id", "user_id"],
  );
});

fixtureTest(
  "planFiles() reads each manifest by its own spec, and skips those that cannot match",
  async () => {
    // hive_partitioned_table: a manifest by (event_date), then one by (event_date, event_type).
    const table = await openFixture(HIVE);
    assert.deepEqual(table.metadata.partitionSpecs.map((spec) => spec.fields.length), [1, 2]);
    const { snapshot, schema } = resolveSnapshot(table.metadata, { kind: "current" });
    assert.ok(snapshot);
    const filter = bind(parseWhere("event_date = '2024-01-01'"), schema);
    const scan = planFiles({ ...table, snapshot, filter });
    const tasks = await Array.fromAsync(scan);
    assert.deepEqual(tasks.map((task) => task.spec.fields.length), [1]);
    assert.deepEqual(scan.report(), {
      dataManifests: { total: 2, skipped: 1, scanned: 1 },
      deleteManifests: { total: 0, skipped: 0, scanned: 0 },
      dataFiles: { used: 1, skipped: 1 },
      deleteFiles: { used: 0, skipped: 0 },
    });
    // The manifest list and one manifest.
    assert.equal(table.reads.length, 2);
  },
);

fixtureTest("resolveSnapshot() goes by the log where a table was rolled back", async () => {
  const { metadata } = await openFixture(EQUALITY);
  const at = (timestampMs: number) =>
    resolveSnapshot(metadata, { kind: "timestamp", timestampMs }).snapshot?.snapshotId;
  // Snapshot 1584331123492059582 was committed at ...496119, undone at ...496330, redone at 496404.
  assert.equal(at(1758879496119), 1584331123492059582n);
  assert.equal(at(1758879496330), 7342794868382145167n);
  assert.equal(at(1758879496403), 7342794868382145167n);
  assert.equal(at(1758879496404), 1584331123492059582n);
  assert.equal(at(Number.MAX_SAFE_INTEGER), 1916084761853986166n);
  assert.throws(() => at(1758879443925), { code: "no_snapshot_at_time" });
});

fixtureTest("resolveSnapshot() reads an older snapshot through its own schema", async () => {
  const { metadata } = await openFixture(SPARK);
  const first = resolveSnapshot(metadata, { kind: "id", snapshotId: 7505300640432048841n });
  const branch = resolveSnapshot(metadata, { kind: "ref", name: "main" });
  assert.equal(first.schema.findByName("breed_name_length"), undefined);
  assert.equal(branch.schema.findByName("breed_name_length")?.field.id, 9);
});

fixtureTest("snapshotSteps() tells appends from deletes along real lineage", async () => {
  const { metadata, manifests } = await openFixture(EQUALITY);
  const { steps, complete } = snapshotSteps(metadata, {
    fromSnapshotId: 853766660775201079n,
    toSnapshotId: 1916084761853986166n,
  });
  assert.equal(complete, true);
  assert.deepEqual(
    steps.map((step) => step.change),
    ["delete", "delete", "delete", "append", "delete"],
  );
  const appended = steps.filter((step) => step.change === "append").map((step) => step.snapshot);
  const files = await Array.fromAsync(addedFiles({ snapshots: appended, manifests }));
  assert.deepEqual(files.map((f) => [f.dataFile.recordCount, f.sequenceNumber, f.position]), [
    [2, 5n, 0],
  ]);
});

fixtureTest("addedFiles() takes only what a snapshot itself added", async () => {
  // Spark's overwrite added one file and removed one; the appends of null_stats added one each.
  const spark = await openFixture(SPARK);
  const overwrite = snapshotById(spark.metadata, 2701171901096418979n);
  assert.ok(overwrite);
  const added = addedFiles({ snapshots: [overwrite], manifests: spark.manifests });
  assert.deepEqual((await Array.fromAsync(added)).map((f) => f.dataFile.recordCount), [20]);
  const nulls = await openFixture(NULLS);
  const { steps } = snapshotSteps(nulls.metadata, {
    fromSnapshotId: null,
    toSnapshotId: 4694394728259848547n,
  });
  const snapshots = steps.map((step) => step.snapshot);
  const files = await Array.fromAsync(addedFiles({ snapshots, manifests: nulls.manifests }));
  assert.deepEqual(files.map((f) => shortName(f.dataFile.filePath)), ["9f8d9", "46080", "ea02a"]);
  assert.deepEqual(files.map((f) => f.position), [0, 0, 0]);
});

fixtureTest(
  "liveFiles() streams data and delete files of every table of the fixtures' kinds",
  async () => {
    const counts: Record<string, readonly number[]> = {};
    for (
      const path of [EQUALITY, PARTITIONED, SPARK, JAVA, RENAMED, VECTOR, BIGINT, DECIMAL, HIVE]
    ) {
      const { metadata, manifests } = await openFixture(path);
      const { snapshot } = resolveSnapshot(metadata, { kind: "current" });
      assert.ok(snapshot);
      const live = await Array.fromAsync(liveFiles({ snapshot, manifests }));
      const data = live.filter(({ entry }) => entry.dataFile.content === "data");
      counts[path.split("/metadata/")[0] ?? ""] = [data.length, live.length - data.length];
    }
    // Live entries by content, counted with `fetch_manifest_entry` of PyIceberg 0.12.0.
    assert.deepEqual(counts, {
      "equality_deletes/warehouse/mydb/mytable": [2, 4],
      "equality_deletes/warehouse/mydb/mytable_partitioned": [6, 3],
      "hyperparam/spark/bunnies": [1, 1],
      "hyperparam/java/bunnies": [2, 2],
      "hyperparam/spark/rename_column": [3, 0],
      "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector": [1, 1],
      "partition_bigint": [2, 0],
      "partition_decimal_integer": [3, 0],
      "hive_partitioned_table": [6, 0],
    });
  },
);

fixtureTest("planFiles() reads a v1 table", async () => {
  const table = await openFixture("lineitem/lineitem_iceberg_gz/metadata/v2.gz.metadata.json");
  assert.equal(table.metadata.formatVersion, 1);
  const tasks = await planCurrent(table, "l_orderkey > 0");
  assert.deepEqual(tasks.map((task) => task.sequenceNumber), [0n]);
});

fixtureTest("planFiles() stops with an error of kind cancelled", async () => {
  const table = await openFixture(HIVE);
  const { snapshot } = resolveSnapshot(table.metadata, { kind: "current" });
  assert.ok(snapshot);
  const signal = AbortSignal.abort();
  await assert.rejects(
    () => Array.fromAsync(planFiles({ ...table, snapshot, signal })),
    (error) => error instanceof AppError && error.kind === "cancelled",
  );
});
