import assert from "node:assert/strict";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { replacePartitions } from "../../../../../lib/iceberg/commit/snapshot/replace_partitions.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { DataFile } from "../../../../../lib/iceberg/manifest/data_file.ts";
import { applyTransform } from "../../../../../lib/iceberg/spec/apply_transform.ts";
import type { PartitionSpec } from "../../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import type { TableMetadata } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import { parseTransform } from "../../../../../lib/iceberg/spec/transform.ts";
import type { IcebergValue, PrimitiveType } from "../../../../../lib/iceberg/spec/types.ts";
import { encodeValue } from "../../../../../lib/iceberg/spec/values.ts";
import { column } from "../../../../support/commit_fixture.ts";
import {
  BY_REGION,
  dataFile,
  deletionVector,
  emptyMetadata,
  equalityDeletes,
  positionDeletes,
  SCHEMA,
  TestTable,
} from "./_table.ts";

const EU = dataFile("eu");
const EU2 = dataFile("eu2");
const US = dataFile("us", { partition: ["us"] });
const NONE = dataFile("none", { partition: [null] });

async function fourFiles(formatVersion: 1 | 2 | 3 = 2): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion));
  await table.run(mergeAppend({ files: [EU, EU2, US, NONE] }));
  return table;
}

Deno.test("replacePartitions() leaves nothing but the new files in their partitions", async () => {
  for (const formatVersion of [1, 2, 3] as const) {
    const table = await fourFiles(formatVersion);
    const files = [dataFile("new"), dataFile("null", { partition: [null] })];
    await table.run(replacePartitions({ files }));
    assert.deepEqual(await table.names(), ["new", "null", "us"]);
    const { summary } = table.head;
    assert.equal(summary["operation"], "overwrite");
    assert.equal(summary["replace-partitions"], "true");
    assert.equal(summary["deleted-data-files"], "3");
    assert.equal(summary["total-records"], "30");
  }
});

Deno.test("replacePartitions() appends to partitions that were empty, and does nothing with no files", async () => {
  const table = await fourFiles();
  const { head } = table;
  await table.run(replacePartitions({ files: [] }));
  assert.equal(table.head, head);
  await table.run(replacePartitions({ files: [dataFile("asia", { partition: ["asia"] })] }));
  assert.deepEqual(await table.names(), ["asia", "eu", "eu2", "none", "us"]);
  assert.equal(table.head.summary["operation"], "append");
});

Deno.test("replacePartitions() takes deletes of its partitions along, and no others", async () => {
  const table = await fourFiles();
  await table.run(
    rowDelta({
      deletes: [
        positionDeletes("pos-eu", EU),
        positionDeletes("pos-all-eu", null),
        equalityDeletes("eq-eu"),
        equalityDeletes("eq-us", { partition: ["us"] }),
        equalityDeletes("everywhere", { specId: 1, partition: [] }),
      ],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  await table.run(replacePartitions({ files: [dataFile("new")] }));
  assert.deepEqual(await table.plan(), {
    new: [],
    none: ["everywhere"],
    us: ["eq-us", "everywhere"],
  });
  assert.equal(table.head.summary["total-delete-files"], "2");
});

Deno.test("replacePartitions() takes deletion vectors along", async () => {
  const table = await fourFiles(3);
  const deletes = [deletionVector("v", EU, 4), deletionVector("v", US, 54)];
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
  await table.run(replacePartitions({ files: [dataFile("new")] }));
  assert.deepEqual(await table.plan(), { new: [], none: [], us: ["v@54"] });
});

Deno.test("replacePartitions() without a partition spec replaces the whole table", async () => {
  const table = await fourFiles(3);
  const deletes = [
    deletionVector("v", US, 54),
    equalityDeletes("everywhere", { specId: 1, partition: [] }),
  ];
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
  const all = dataFile("all", { specId: 1, partition: [] });
  await table.run(replacePartitions({ files: [all] }));
  assert.deepEqual(await table.names(), ["all"]);
  assert.equal(table.head.summary["total-delete-files"], "0");
});

Deno.test("replacePartitions() goes through a compaction, an append and a delete that come first", async () => {
  const table = await fourFiles(3);
  const action = replacePartitions({ files: [dataFile("new")] });
  const first = table.attempt();
  // Applied to the table as it is, and beaten to the commit three times.
  await action.apply(first);
  const startingSnapshotId = table.head.snapshotId;
  await table.run(
    rewriteFiles({
      replaced: [{ dataFile: EU }, { dataFile: EU2 }].map((one) => ({
        ...one,
        sequenceNumber: 1n,
      })),
      added: [dataFile("compacted", { recordCount: 20 })],
      startingSnapshotId,
    }),
  );
  await action.apply({
    ...first,
    ...table.attempt({ attempt: 2 }),
    operationId: first.operationId,
  });
  await table.run(
    mergeAppend({ files: [dataFile("late"), dataFile("late-us", { partition: ["us"] })] }),
  );
  const [late] = (await table.live()).filter(({ entry }) =>
    entry.dataFile.filePath.includes("/late.")
  );
  assert(late !== undefined);
  await table.run(
    rowDelta({
      deletes: [deletionVector("v", late.entry.dataFile, 4)],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  await table.run(action, table.attempt({ operationId: first.operationId, attempt: 3 }));
  assert.deepEqual(await table.names(), ["late-us", "new", "none", "us"]);
});

Deno.test("replacePartitions() refuses to have its summary said by others", () => {
  const properties = { "replace-partitions": "false" };
  assert.throws(() => replacePartitions({ files: [dataFile("new")], properties }), {
    code: "snapshot_property_reserved",
  });
});

/** A file of another spec, whose metrics and partition say so much of the rows in it. */
interface Foreign {
  readonly type: PrimitiveType;
  /** Of the files that come. */
  readonly transform: string;
  /** A value in the partition that is replaced. */
  readonly value: IcebergValue;
  readonly own?: { readonly transform: string; readonly partition: IcebergValue };
  readonly bounds?: readonly [IcebergValue, IcebergValue];
  readonly nulls?: number;
  readonly nans?: number;
}

const ROWS = 10;

/** What becomes of such a file: whether it is there still, or the code of the refusal. */
async function fateOf(foreign: Foreign): Promise<boolean | string> {
  const { type, value, own, bounds, nulls, nans } = foreign;
  const transform = parseTransform(foreign.transform);
  const spec = (specId: number, text: string): PartitionSpec => ({
    specId,
    fields: [{
      sourceIds: [1],
      fieldId: 1000 + specId,
      name: `p${specId}`,
      transform: parseTransform(text),
    }],
  });
  const fields = [column(1, "c", type)];
  const metadata: Partial<TableMetadata> = {
    schemas: [new Schema({ schemaId: 0, fields, identifierFieldIds: [] })],
    partitionSpecs: [
      own === undefined ? { specId: 0, fields: [] } : spec(0, own.transform),
      spec(2, foreign.transform),
    ],
    defaultSpecId: 2,
  };
  const table = new TestTable(emptyMetadata(2, metadata));
  const encode = (at: 0 | 1) =>
    new Map(bounds === undefined ? [] : [[1, encodeValue(type, bounds[at])]]);
  const old = dataFile("old", {
    partition: own === undefined ? [] : [own.partition],
    recordCount: ROWS,
    valueCounts: new Map([[1, ROWS]]),
    nullValueCounts: nulls === undefined ? null : new Map([[1, nulls]]),
    nanValueCounts: nans === undefined ? null : new Map([[1, nans]]),
    lowerBounds: encode(0),
    upperBounds: encode(1),
  });
  await table.run(mergeAppend({ files: [old] }));
  const partition = [applyTransform(transform, type, value)];
  try {
    await table.run(replacePartitions({ files: [dataFile("new", { specId: 2, partition })] }));
  } catch (error) {
    return (error as { code: string }).code;
  }
  return (await table.names()).includes("old");
}

const DAY = 86_400_000_000n;
const TIMESTAMP: PrimitiveType = { kind: "timestamp" };
const LONG: PrimitiveType = { kind: "long" };
const TEXT: PrimitiveType = { kind: "string" };
const MISMATCH = "partition_spec_mismatch";

Deno.test("replacePartitions() goes by bounds in files of another spec", async () => {
  const days = { type: TIMESTAMP, transform: "day", value: 5n * DAY };
  const within = { ...days, bounds: [5n * DAY, 6n * DAY - 1n] } as const;
  assert.equal(await fateOf({ ...within, nulls: 0 }), false);
  assert.equal(await fateOf({ ...within, nulls: 1 }), MISMATCH);
  assert.equal(await fateOf(within), MISMATCH);
  assert.equal(await fateOf({ ...days, nulls: 0, bounds: [5n * DAY, 6n * DAY] }), MISMATCH);
  assert.equal(await fateOf({ ...days, nulls: 0, bounds: [6n * DAY, 9n * DAY] }), true);
  assert.equal(await fateOf({ ...days, bounds: [6n * DAY, 9n * DAY] }), true);
  assert.equal(await fateOf({ ...days, nulls: 0 }), MISMATCH);
  assert.equal(await fateOf({ ...days, nulls: ROWS }), true);
});

Deno.test("replacePartitions() tells partitions of null and NaN from all others", async () => {
  const double = { type: { kind: "double" }, transform: "identity" } as const;
  const bounds = [1, 2] as const;
  assert.equal(await fateOf({ ...double, value: null, nulls: 0, nans: 0, bounds }), true);
  assert.equal(await fateOf({ ...double, value: null, nulls: ROWS, nans: 0 }), false);
  assert.equal(await fateOf({ ...double, value: null, nulls: 2, nans: 0, bounds }), MISMATCH);
  assert.equal(await fateOf({ ...double, value: NaN, nulls: 0, nans: 0, bounds }), true);
  assert.equal(await fateOf({ ...double, value: NaN, nulls: 0, nans: ROWS }), false);
  assert.equal(await fateOf({ ...double, value: NaN, nulls: 0, nans: 1, bounds }), MISMATCH);
  // Zero and minus zero share their bounds, and are two partitions.
  const zeros = { ...double, value: 0, nulls: 0, nans: 0, bounds: [-0, 0] } as const;
  assert.equal(await fateOf(zeros), MISMATCH);
});

Deno.test("replacePartitions() goes by partitions of another spec where they tell", async () => {
  const bucket = { type: LONG, transform: "bucket[4]", value: 7n } as const;
  const own = applyTransform(parseTransform("bucket[4]"), LONG, 7n);
  const at = (transform: string, partition: IcebergValue) => ({ transform, partition });
  assert.equal(await fateOf({ ...bucket, own: at("bucket[4]", own) }), false);
  assert.equal(await fateOf({ ...bucket, own: at("bucket[4]", (Number(own) + 1) % 4) }), true);
  assert.equal(await fateOf({ ...bucket, own: at("bucket[8]", own) }), MISMATCH);
  assert.equal(await fateOf({ ...bucket, own: at("identity", 7n) }), false);
  assert.equal(await fateOf({ ...bucket, own: at("identity", null) }), true);
  assert.equal(await fateOf({ ...bucket, own: at("void", null) }), MISMATCH);
  const month = { type: TIMESTAMP, transform: "month", value: 35n * DAY } as const;
  assert.equal(await fateOf({ ...month, own: at("day", 40) }), false);
  assert.equal(await fateOf({ ...month, own: at("day", 10) }), true);
  assert.equal(await fateOf({ ...month, own: at("hour", 40 * 24 + 3) }), false);
  assert.equal(await fateOf({ ...month, own: at("year", 0) }), MISMATCH);
  assert.equal(await fateOf({ ...month, value: null, own: at("day", null) }), false);
  const text = { type: TEXT, transform: "truncate[2]", value: "abc" } as const;
  assert.equal(await fateOf({ ...text, nulls: 0, bounds: ["abb", "abz"] }), false);
  assert.equal(await fateOf({ ...text, nulls: 0, bounds: ["abb", "acz"] }), MISMATCH);
});

Deno.test("replacePartitions() takes vectors and deletes of a single file along from another spec", async () => {
  for (const formatVersion of [2, 3] as const) {
    const byRegionAgain = { ...BY_REGION, specId: 2 };
    const table = new TestTable(
      emptyMetadata(formatVersion, {
        schemas: [SCHEMA],
        partitionSpecs: [BY_REGION, byRegionAgain],
        defaultSpecId: 2,
      }),
    );
    await table.run(mergeAppend({ files: [EU, US] }));
    const deletes: DataFile[] = formatVersion === 3
      ? [deletionVector("v", EU, 4), deletionVector("v", US, 54)]
      : [positionDeletes("p-eu", EU), positionDeletes("p-us", US)];
    await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
    await table.run(replacePartitions({ files: [dataFile("new", { specId: 2 })] }));
    const left = formatVersion === 3 ? "v@54" : "p-us";
    assert.deepEqual(await table.names(), ["new", left, "us"].sort());
  }
});

Deno.test("replacePartitions() is refused, as an append is, where its spec has gone since", async () => {
  const table = await fourFiles();
  const all = dataFile("all", { specId: 1, partition: [] });
  table.replace({ ...table.metadata, partitionSpecs: [BY_REGION] });
  const refusals: unknown[] = [];
  for (const action of [mergeAppend({ files: [all] }), replacePartitions({ files: [all] })]) {
    await assert.rejects(table.run(action), (error: Error) => refusals.push(error.message) > 0);
  }
  assert.equal(refusals[0], refusals[1]);
});
