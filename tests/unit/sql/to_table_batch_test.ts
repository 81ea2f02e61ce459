import assert from "node:assert/strict";
import { arrowSchema } from "../../../lib/columnar/arrow/arrow_schema.ts";
import { AppError } from "../../../lib/errors.ts";
import { Schema } from "../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, Type } from "../../../lib/iceberg/spec/types.ts";
import { toTableBatch } from "../../../lib/sql/mod.ts";
import { batchOfRows, rowsOfBatch } from "../../support/rows.ts";
import { schemaOf } from "./_transforms.ts";

/** Rows of one column `c`, into a table's column of another type. */
function into(from: Type, to: Type, ...values: readonly IcebergValue[]): IcebergValue[] {
  const [given, table] = [schemaOf({ c: from }), schemaOf({ c: to })];
  const batch = toTableBatch(batchOfRows(given.fields, values.map((value) => [value])), table);
  assert.deepEqual(
    batch.schema.fields.map(({ type }) => String(type)),
    arrowSchema(table).fields.map(({ type }) => String(type)),
  );
  return rowsOfBatch(batch, table.fields).map(([value]) => value!);
}

const decimal = (precision: number, scale: number): Type => ({ kind: "decimal", precision, scale });
const listOf = (element: Type): Type => ({
  kind: "list",
  elementId: 9,
  elementRequired: false,
  element,
});
const MICROS = 1_767_225_600_123_456n;
const UUID = "00112233-4455-6677-8899-aabbccddeeff";

Deno.test("values are widened where nothing is lost", () => {
  assert.deepEqual(into({ kind: "int" }, { kind: "long" }, 5, null), [5n, null]);
  assert.deepEqual(into({ kind: "long" }, { kind: "int" }, 5n, -(2n ** 31n)), [5, -(2 ** 31)]);
  assert.deepEqual(into({ kind: "float" }, { kind: "double" }, 0.5), [0.5]);
  assert.deepEqual(into({ kind: "double" }, { kind: "float" }, 0.5, NaN), [0.5, NaN]);
  assert.deepEqual(into(decimal(5, 2), decimal(9, 2), 99_999n), [99_999n]);
  assert.deepEqual(into(decimal(38, 0), decimal(9, 0), 999_999_999n), [999_999_999n]);
  assert.deepEqual(into({ kind: "binary" }, { kind: "fixed", length: 2 }, Uint8Array.of(1, 2)), [
    Uint8Array.of(1, 2),
  ]);
  assert.deepEqual(into({ kind: "string" }, { kind: "uuid" }, UUID), [UUID]);
  assert.deepEqual(into(listOf({ kind: "int" }), listOf({ kind: "long" }), [1, null]), [[
    1n,
    null,
  ]]);
  assert.deepEqual(into({ kind: "date" }, { kind: "timestamp" }, 1), [86_400_000_000n]);
  assert.deepEqual(into({ kind: "timestamp" }, { kind: "timestamp_ns" }, MICROS), [MICROS * 1000n]);
});

Deno.test("times without a zone are UTC where the table's have one", () => {
  assert.deepEqual(into({ kind: "timestamp" }, { kind: "timestamptz" }, MICROS), [MICROS]);
  assert.deepEqual(into({ kind: "timestamptz" }, { kind: "timestamptz" }, MICROS), [MICROS]);
});

function refusal(run: () => unknown): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof AppError && error.kind === "invalid", String(error));
    return { code: error.code, message: error.message };
  }
  return assert.fail("Expected a refusal");
}

/** Types that do not meet, and what to write instead. */
const MISMATCHED: readonly (readonly [Type, Type, IcebergValue, string])[] = [
  [
    { kind: "long" },
    { kind: "string" },
    1n,
    'hold bigint, the table has string; write "c"::VARCHAR',
  ],
  [
    decimal(38, 0),
    { kind: "long" },
    1n,
    'hold decimal(38,0), the table has bigint; write "c"::BIGINT',
  ],
  [
    decimal(9, 1),
    decimal(9, 2),
    1n,
    'decimal(9,1), the table has decimal(9,2); write "c"::DECIMAL(9, 2)',
  ],
  [{ kind: "double" }, { kind: "long" }, 1, 'hold double, the table has bigint; write "c"::BIGINT'],
  [
    { kind: "long" },
    { kind: "double" },
    1n,
    'hold bigint, the table has double; write "c"::DOUBLE',
  ],
  [{ kind: "string" }, { kind: "date" }, "x", 'the table has date; write "c"::DATE'],
  [
    { kind: "timestamptz" },
    { kind: "timestamp" },
    MICROS,
    `hold timestamp, the table has timestamp_ntz; write to_local_time("c", 'UTC')`,
  ],
  [
    listOf({ kind: "int" }),
    { kind: "int" },
    [1],
    'array<int>, the table has int; write "c"::INTEGER',
  ],
];
for (const [from, to, value, words] of MISMATCHED) {
  Deno.test(`a column of another type is refused: ${words}`, () => {
    const { code, message } = refusal(() => into(from, to, value));
    assert.equal(code, "column_type_mismatch");
    assert.ok(message.startsWith('Cannot write column "c": rows '), message);
    assert.ok(message.includes(words), message);
  });
}

/** Values that their column does not hold. */
const TOO_MUCH: readonly (readonly [Type, Type, IcebergValue, RegExp])[] = [
  [{ kind: "long" }, { kind: "int" }, 2n ** 31n, /beyond 32 bits/],
  [decimal(38, 0), decimal(9, 0), 1_000_000_000n, /more than 9 digits/],
  [{ kind: "timestamp_ns" }, { kind: "timestamp" }, MICROS * 1000n + 1n, /finer than its type/],
  [{ kind: "double" }, { kind: "float" }, 0.1, /would not hold it exactly/],
  [{ kind: "binary" }, { kind: "fixed", length: 2 }, Uint8Array.of(1), /1 bytes, wanted 2/],
  [{ kind: "string" }, { kind: "uuid" }, "no", /not a UUID/],
  [listOf({ kind: "long" }), listOf({ kind: "int" }), [1n, 2n ** 40n], /beyond 32 bits/],
];
for (const [from, to, value, problem] of TOO_MUCH) {
  Deno.test(`a value that does not fit is refused: ${problem.source}`, () => {
    const { code, message } = refusal(() => into(from, to, null, value));
    assert.equal(code, "invalid_value");
    assert.match(message, /^Cannot write column "c(?:\.element)?": a value does not fit: /);
    assert.match(message, problem);
  });
}

function sinkOf(changes: Partial<Schema["fields"][number]>): Schema {
  const { fields } = schemaOf({ a: { kind: "int" }, b: { kind: "string" } });
  const [a, b] = fields;
  return new Schema({
    schemaId: 3,
    identifierFieldIds: [],
    // Ids of its own, in another order.
    fields: [{ ...b!, id: 5, ...changes }, { ...a!, id: 9 }],
  });
}

Deno.test("columns go by name, whatever their ids and order", () => {
  const given = schemaOf({ a: { kind: "int" }, b: { kind: "string" } });
  const batch = toTableBatch(batchOfRows(given.fields, [[1, "x"]]), sinkOf({}));
  assert.deepEqual(rowsOfBatch(batch, sinkOf({}).fields), [["x", 1]]);
});

Deno.test("an optional column that rows lack is null, or what its writers default to", () => {
  const given = schemaOf({ a: { kind: "int" } });
  const rows = batchOfRows(given.fields, [[1], [2]]);
  for (const [writeDefault, value] of [[undefined, null], ["none", "none"]] as const) {
    const sink = sinkOf({ writeDefault });
    assert.deepEqual(rowsOfBatch(toTableBatch(rows, sink), sink.fields), [[value, 1], [value, 2]]);
  }
});

Deno.test("missing, unknown and null columns are refused by name", () => {
  const given = schemaOf({ a: { kind: "int" }, b: { kind: "string" } });
  const rows = batchOfRows(given.fields, [[1, "x"], [2, null]]);
  const nulls = refusal(() => toTableBatch(rows, sinkOf({ required: true })));
  assert.equal(nulls.code, "invalid_value");
  assert.match(nulls.message, /"b": a value does not fit: it holds null and is required/);
  const some = batchOfRows([given.fields[0]!], [[1]]);
  const missing = refusal(() => toTableBatch(some, sinkOf({ required: true })));
  assert.deepEqual(missing, {
    code: "column_invalid",
    message: 'Cannot write column "b": it is required, and missing',
  });
  const unknown = refusal(() => toTableBatch(rows, schemaOf({ a: { kind: "int" } })));
  assert.deepEqual(unknown, {
    code: "column_invalid",
    message: 'Cannot write column "b": the table has no such column',
  });
});

Deno.test("batches of one transform are all brought into the form of the sink at hand", () => {
  const given = schemaOf({ a: { kind: "int" } });
  const [first, second] = [batchOfRows(given.fields, [[1]]), batchOfRows(given.fields, [[2]])];
  const [int, long] = [schemaOf({ a: { kind: "int" } }), schemaOf({ a: { kind: "long" } })];
  assert.deepEqual(rowsOfBatch(toTableBatch(first, int), int.fields), [[1]]);
  assert.deepEqual(rowsOfBatch(toTableBatch(first, long), long.fields), [[1n]]);
  assert.deepEqual(rowsOfBatch(toTableBatch(second, int), int.fields), [[2]]);
});
