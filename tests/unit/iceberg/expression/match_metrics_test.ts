import assert from "node:assert/strict";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import {
  eq,
  type Expression,
  gt,
  isIn,
  isNan,
  isNull,
  lt,
  ltEq,
  notEq,
  notNan,
  notNull,
  notStartsWith,
  startsWith,
} from "../../../../lib/iceberg/expression/expression.ts";
import {
  equalityMetricsMayMatch,
  metricsMayMatch,
  metricsMustMatch,
} from "../../../../lib/iceberg/expression/match_metrics.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, PrimitiveType, Type } from "../../../../lib/iceberg/spec/types.ts";
import { encodeValue } from "../../../../lib/iceberg/spec/values.ts";
import { EMPTY_FILE } from "./_random_table.ts";

const TYPES: Readonly<Record<string, PrimitiveType>> = {
  id: { kind: "long" },
  d: { kind: "double" },
  s: { kind: "string" },
  ts: { kind: "timestamp" },
  u: { kind: "uuid" },
};

function field(id: number, name: string, type: Type, required = false) {
  return {
    id,
    name,
    type,
    required,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    ...Object.entries(TYPES).map(([name, type], i) => field(i + 1, name, type)),
    field(10, "st", { kind: "struct", fields: [field(11, "x", { kind: "int" }, true)] }),
    field(12, "list", {
      kind: "list",
      elementId: 13,
      elementRequired: true,
      element: { kind: "int" },
    }),
  ],
});

const ROWS = 10;

function file(metrics: {
  readonly nulls?: Readonly<Record<number, number>>;
  readonly nans?: Readonly<Record<number, number>>;
  readonly values?: Readonly<Record<number, number>>;
  readonly lower?: Readonly<Record<number, Uint8Array>>;
  readonly upper?: Readonly<Record<number, Uint8Array>>;
}): DataFile {
  const map = <T>(record: Readonly<Record<number, T>> | undefined) =>
    record === undefined
      ? null
      : new Map(Object.entries(record).map(([id, value]) => [Number(id), value]));
  return {
    ...EMPTY_FILE,
    recordCount: ROWS,
    nullValueCounts: map(metrics.nulls),
    nanValueCounts: map(metrics.nans),
    valueCounts: map(metrics.values),
    lowerBounds: map(metrics.lower),
    upperBounds: map(metrics.upper),
  };
}

function bytes(type: PrimitiveType, value: IcebergValue): Uint8Array {
  return encodeValue(type, value);
}

function mayMatch(expression: Expression, data: DataFile): boolean {
  return metricsMayMatch(bind(expression, SCHEMA))(data);
}

function mustMatch(expression: Expression, data: DataFile): boolean {
  return metricsMustMatch(bind(expression, SCHEMA))(data);
}

Deno.test("metricsMayMatch() keeps a file without metrics, and drops one without rows", () => {
  for (const expression of [eq("id", 1), isNull("id"), notNull("id"), isNan("d")]) {
    assert.equal(mayMatch(expression, file({})), true);
    assert.equal(mayMatch(expression, { ...file({}), recordCount: 0 }), false);
    assert.equal(mustMatch(expression, file({})), false);
    assert.equal(mustMatch(expression, { ...file({}), recordCount: 0 }), true);
  }
});

Deno.test("bounds of an int that became a long are read at their old width", () => {
  const promoted = file({
    lower: { 1: bytes({ kind: "int" }, 5) },
    upper: { 1: bytes({ kind: "int" }, 9) },
  });
  assert.equal(mayMatch(lt("id", 5), promoted), false);
  assert.equal(mayMatch(lt("id", 6), promoted), true);
  const widened = file({
    lower: { 2: bytes({ kind: "float" }, 1.5) },
    upper: { 2: bytes({ kind: "float" }, 2.5) },
  });
  assert.equal(mayMatch(lt("d", 1.5), widened), false);
  const dated = file({
    lower: { 4: bytes({ kind: "date" }, 1) },
    upper: { 4: bytes({ kind: "date" }, 2) },
  });
  assert.equal(mayMatch(lt("ts", "1970-01-02"), dated), false);
  assert.equal(mayMatch(ltEq("ts", "1970-01-02"), dated), true);
});

Deno.test("a column of nulls only matches nothing but null tests", () => {
  const nulls = file({ values: { 1: ROWS }, nulls: { 1: ROWS } });
  assert.equal(mayMatch(eq("id", 1), nulls), false);
  assert.equal(mayMatch(notNull("id"), nulls), false);
  assert.equal(mayMatch(isNull("id"), nulls), true);
  assert.equal(mayMatch(notEq("id", 1), nulls), true);
  assert.equal(mustMatch(isNull("id"), nulls), true);
  assert.equal(mustMatch(notEq("id", 1), nulls), true);
});

Deno.test("counts of zero in a file with rows say nothing", () => {
  assert.equal(mayMatch(eq("id", 1), file({ values: { 1: 0 }, nulls: { 1: 0 } })), true);
});

Deno.test("NaN hides outside the bounds unless its count is zero", () => {
  const bounds = { lower: { 2: bytes(TYPES["d"]!, 1) }, upper: { 2: bytes(TYPES["d"]!, 2) } };
  assert.equal(mayMatch(gt("d", 5), file({ ...bounds, nulls: { 2: 0 } })), true);
  assert.equal(mayMatch(gt("d", 5), file({ ...bounds, nans: { 2: 1 } })), true);
  assert.equal(mayMatch(gt("d", 5), file({ ...bounds, nans: { 2: 0 } })), false);
  assert.equal(mayMatch(lt("d", 1), file(bounds)), false);
  assert.equal(mustMatch(lt("d", 5), file({ ...bounds, nulls: { 2: 0 } })), false);
  assert.equal(mustMatch(gt("d", 0), file({ ...bounds, nulls: { 2: 0 }, nans: { 2: 1 } })), false);
  assert.equal(mustMatch(gt("d", 0), file({ ...bounds, nulls: { 2: 0 }, nans: { 2: 0 } })), true);
  const nans = file({ values: { 2: ROWS }, nulls: { 2: 0 }, nans: { 2: ROWS } });
  assert.equal(mayMatch(eq("d", 1), nans), false);
  assert.equal(mayMatch(notNan("d"), nans), false);
  assert.equal(mustMatch(isNan("d"), nans), true);
});

Deno.test("-0.0 equals 0.0", () => {
  const zero = file({
    lower: { 2: bytes(TYPES["d"]!, -0) },
    upper: { 2: bytes(TYPES["d"]!, -0) },
    nulls: { 2: 0 },
    nans: { 2: 0 },
  });
  assert.equal(mayMatch(eq("d", 0), zero), true);
  assert.equal(mustMatch(eq("d", 0), zero), true);
  assert.equal(mayMatch(lt("d", 0), zero), false);
});

Deno.test("truncated bounds of strings keep every value between them", () => {
  const truncated = file({
    lower: { 3: bytes(TYPES["s"]!, "ab") },
    upper: { 3: bytes(TYPES["s"]!, "ae") },
    nulls: { 3: 0 },
  });
  assert.equal(mayMatch(eq("s", "abz"), truncated), true);
  assert.equal(mayMatch(startsWith("s", "abcd"), truncated), true);
  assert.equal(mayMatch(startsWith("s", "af"), truncated), false);
  assert.equal(mayMatch(startsWith("s", "aa"), truncated), false);
  assert.equal(mayMatch(notStartsWith("s", "a"), truncated), false);
  assert.equal(mustMatch(startsWith("s", "a"), truncated), true);
  assert.equal(mustMatch(startsWith("s", "ab"), truncated), false);
});

Deno.test("a bound cut inside a character bounds nothing", () => {
  const cut = file({
    lower: { 3: Uint8Array.of(0x62, 0xf0, 0x9f) },
    upper: { 3: bytes(TYPES["s"]!, "c") },
  });
  assert.equal(mayMatch(eq("s", "a"), cut), true);
  assert.equal(mayMatch(eq("s", "d"), cut), false);
});

Deno.test("bounds in the wrong order, as of signed UUIDs, bound nothing", () => {
  const uuid = (first: string) => bytes(TYPES["u"]!, `${first}0000000-0000-0000-0000-000000000000`);
  const signed = file({ lower: { 5: uuid("8") }, upper: { 5: uuid("7") } });
  assert.equal(mayMatch(eq("u", "90000000-0000-0000-0000-000000000000"), signed), true);
});

Deno.test("counts of a column in an optional struct prove nothing unless they cover all rows", () => {
  const bounds = {
    lower: { 11: bytes({ kind: "int" }, 1) },
    upper: { 11: bytes({ kind: "int" }, 1) },
  };
  // Three structs are null: the column was counted seven times, none of them null.
  const sparse = file({ ...bounds, values: { 11: 7 }, nulls: { 11: 0 } });
  assert.equal(mayMatch(isNull("st.x"), sparse), true);
  assert.equal(mayMatch(notEq("st.x", 1), sparse), true);
  assert.equal(mustMatch(eq("st.x", 1), sparse), false);
  const full = file({ ...bounds, values: { 11: ROWS }, nulls: { 11: 0 } });
  assert.equal(mayMatch(isNull("st.x"), full), false);
  assert.equal(mustMatch(eq("st.x", 1), full), true);
});

Deno.test("lists and structs are never pruned", () => {
  const odd = file({ values: { 12: 10, 10: 10 }, nulls: { 12: 0, 10: 0 } });
  assert.equal(mayMatch(isNull("list"), odd), true);
  assert.equal(mayMatch(isNull("st"), odd), true);
  assert.equal(mustMatch(notNull("list"), odd), false);
});

Deno.test("large sets are pruned as small ones are", () => {
  const even = file({
    lower: { 1: bytes(TYPES["id"]!, 11n) },
    upper: { 1: bytes(TYPES["id"]!, 11n) },
  });
  const evens = Array.from({ length: 5000 }, (_, i) => i * 2);
  assert.equal(mayMatch(isIn("id", evens), even), false);
  assert.equal(mayMatch(isIn("id", [...evens, 11]), even), true);
});

Deno.test("equalityMetricsMayMatch() heeds the metrics of equality columns only", () => {
  const metrics = {
    lower: { 1: bytes(TYPES["id"]!, 1n), 3: bytes(TYPES["s"]!, "a") },
    upper: { 1: bytes(TYPES["id"]!, 4n), 3: bytes(TYPES["s"]!, "b") },
  };
  const deletes: DataFile = { ...file(metrics), content: "equality_deletes", equalityIds: [1] };
  const test = (expression: Expression) =>
    equalityMetricsMayMatch(bind(expression, SCHEMA))(deletes);
  assert.equal(test(eq("id", 9)), false);
  assert.equal(test(eq("id", 3)), true);
  assert.equal(test(eq("s", "z")), true);
});
