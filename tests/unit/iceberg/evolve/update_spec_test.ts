import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../../../lib/errors.ts";
import { parsePartitionField } from "../../../../lib/iceberg/ddl/parse_partition_fields.ts";
import { parseSortFields } from "../../../../lib/iceberg/ddl/parse_sort_order.ts";
import { replaceSortOrder } from "../../../../lib/iceberg/evolve/replace_sort_order.ts";
import {
  type RepartitionedTable,
  type SpecChange,
  updateSpec,
} from "../../../../lib/iceberg/evolve/update_spec.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { formatTransform } from "../../../../lib/iceberg/spec/transform.ts";
import { schemaOf } from "../ddl/_schema.ts";
import { tableAround } from "./_evolve.ts";

const SCHEMA = schemaOf({ id: "bigint", ts: "timestamp", region: "string", taken: "int" });

function tableOf(specs: readonly (readonly string[])[], version: FormatVersion = 2) {
  const { partitionSpecs, defaultSpecId, formatVersion } = tableAround(SCHEMA, { specs, version });
  const ids = partitionSpecs.flatMap(({ fields }) => fields.map(({ fieldId }) => fieldId));
  return { partitionSpecs, defaultSpecId, formatVersion, lastPartitionId: Math.max(999, ...ids) };
}

function add(text: string, name: string | null = null): SpecChange {
  const { source, transform } = parsePartitionField(text, SCHEMA);
  return { kind: "add", sourceId: source.field.id, transform, name };
}

const remove = (name: string): SpecChange => ({ kind: "remove", name });
const rename = (name: string, newName: string): SpecChange => ({ kind: "rename", name, newName });

function shown({ fields }: PartitionSpec): readonly string[] {
  return fields.map(({ fieldId, name, transform, sourceIds: [id = 0] }) =>
    `${fieldId} ${name} ${formatTransform(transform)} ${SCHEMA.findById(id)?.name}`
  );
}

function evolve(changes: readonly SpecChange[], table: RepartitionedTable) {
  return shown(updateSpec(SCHEMA, changes, table).spec);
}

function refuses(
  changes: readonly SpecChange[],
  table: RepartitionedTable,
  expected: { readonly kind: ErrorKind; readonly code: string; readonly message: RegExp },
): void {
  assert.throws(() => updateSpec(SCHEMA, changes, table), (error) => {
    assert(error instanceof AppError);
    const { message, ...rest } = expected;
    assert.deepEqual({ kind: error.kind, code: error.code }, rest);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("updateSpec() adds fields under new ids and the reference implementation's names", () => {
  const table = tableOf([["day(ts)"]]);
  assert.deepEqual(
    evolve([add("bucket(16, id)"), add("truncate(4, region)"), add("region", "r")], table),
    [
      "1000 ts_day day ts",
      "1001 id_bucket_16 bucket[16] id",
      "1002 region_trunc_4 truncate[4] region",
      "1003 r identity region",
    ],
  );
  const { spec, lastPartitionId, changed } = updateSpec(SCHEMA, [add("region")], table);
  assert.deepEqual([spec.specId, lastPartitionId, changed], [1, 1001, true]);
});

Deno.test("updateSpec() gives a field its id back that an earlier spec had", () => {
  const table = tableOf([["day(ts)"], []]);
  assert.deepEqual(evolve([add("day(ts)")], table), ["1000 ts_day day ts"]);
  assert.deepEqual(evolve([add("day(ts)", "other")], table), ["1001 other day ts"]);
  assert.deepEqual(evolve([add("hour(ts)")], table), ["1001 ts_hour hour ts"]);
});

Deno.test("updateSpec() removes and renames fields, and keeps the ids of the others", () => {
  const table = tableOf([["day(ts)", "region", "bucket(4, id)"]]);
  assert.deepEqual(evolve([remove("region"), rename("ts_day", "when")], table), [
    "1000 when day ts",
    "1002 id_bucket bucket[4] id",
  ]);
});

Deno.test("updateSpec() of v1 leaves a void field where one was removed, and adds at the end", () => {
  const table = tableOf([["day(ts)", "region"]], 1);
  assert.deepEqual(evolve([remove("ts_day"), add("hour(ts)"), add("day(ts)")].slice(0, 2), table), [
    "1000 ts_day void ts",
    "1001 region identity region",
    "1002 ts_hour hour ts",
  ]);
  assert.deepEqual(evolve([remove("ts_day"), add("day(ts)")], table), [
    "1000 ts_day_1000 void ts",
    "1001 region identity region",
    "1002 ts_day day ts",
  ]);
});

Deno.test("updateSpec() lets an hour stand beside the day that it replaces", () => {
  const table = tableOf([["day(ts)"]]);
  assert.deepEqual(evolve([add("hour(ts)"), remove("ts_day")], table), ["1001 ts_hour hour ts"]);
  refuses([add("hour(ts)"), add("month(ts)")], table, {
    kind: "already_exists",
    code: "partition_field_exists",
    message: /"ts" is split by "ts_hour" already$/,
  });
});

Deno.test("updateSpec() refuses fields that are there, names that are taken, and strangers", () => {
  const table = tableOf([["day(ts)", "bucket(4, id)"]]);
  const exists = { kind: "already_exists", code: "partition_field_exists" } as const;
  refuses([add("day(ts)", "x")], table, { ...exists, message: /is split by "ts_day" already$/ });
  refuses([add("region", "ts_day")], table, { ...exists, message: /another field is called/ });
  refuses([add("region", "taken")], table, { ...exists, message: /a column is called "taken"/ });
  refuses([rename("ts_day", "taken")], table, { ...exists, message: /a column is called "taken"/ });
  const missing = { kind: "not_found", code: "partition_field_not_found" } as const;
  refuses([remove("nope")], table, { ...missing, message: /it has no field "nope"$/ });
  refuses([rename("nope", "x")], table, { ...missing, message: /it has no field "nope"$/ });
  const wrong: SpecChange = { kind: "add", sourceId: 3, transform: { kind: "day" }, name: null };
  const invalid = { kind: "invalid", code: "invalid_partition" } as const;
  refuses([wrong], table, { ...invalid, message: /day is not defined for column "region"$/ });
  refuses([{ ...wrong, sourceId: 99 }], table, { ...invalid, message: /for field 99$/ });
});

Deno.test("updateSpec() refuses to build on a transform that it does not know", () => {
  const table = tableOf([["region"]]);
  const transform = { kind: "unknown", text: "zorder" } as const;
  const partitionSpecs = table.partitionSpecs.map((spec) => ({
    ...spec,
    fields: spec.fields.map((field) => ({ ...field, transform })),
  }));
  refuses([add("day(ts)")], { ...table, partitionSpecs }, {
    kind: "unsupported",
    code: "unknown_transform",
    message: /field "region" has a transform that is not known here$/,
  });
});

Deno.test("updateSpec() gives the same spec back where nothing changes", () => {
  const table = tableOf([["day(ts)"]]);
  const { spec, changed } = updateSpec(SCHEMA, [rename("ts_day", "ts_day")], table);
  assert.equal(changed, false);
  assert.equal(spec, table.partitionSpecs[0]);
});

Deno.test("replaceSortOrder() takes a known order under its id, and a new one under the next", () => {
  const fields = parseSortFields(["ts desc", "bucket(4, id)"], SCHEMA);
  const known = { orderId: 3, fields };
  const table = { sortOrders: [{ orderId: 0, fields: [] }, known], defaultSortOrderId: 0 };
  assert.deepEqual(replaceSortOrder(SCHEMA, fields, table), { sortOrder: known, changed: true });
  const other = parseSortFields(["ts"], SCHEMA);
  const next = replaceSortOrder(SCHEMA, other, table);
  assert.deepEqual(next, { sortOrder: { orderId: 4, fields: other }, changed: true });
  const none = replaceSortOrder(SCHEMA, [], table);
  assert.deepEqual(none, { sortOrder: { orderId: 0, fields: [] }, changed: false });
});

Deno.test("replaceSortOrder() refuses keys that do not fit their column", () => {
  const [field] = parseSortFields(["ts"], SCHEMA);
  assert(field !== undefined);
  const table = { sortOrders: [], defaultSortOrderId: 0 };
  const wrong = [{ ...field, transform: { kind: "truncate", width: 4 } as const }];
  assert.throws(
    () => replaceSortOrder(SCHEMA, wrong, table),
    /truncate\[4\] is not defined for col/,
  );
  const gone = [{ ...field, sourceIds: [99] }];
  assert.throws(() => replaceSortOrder(SCHEMA, gone, table), /is not defined for field 99$/);
});
