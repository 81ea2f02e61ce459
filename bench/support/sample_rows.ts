/** Rows to measure with: what a shop's tables hold, the same in every run. */
import type { Data, RecordBatch } from "apache-arrow";
import { arrowSchema, makeBatch } from "../../lib/columnar/mod.ts";
import { makeColumn, type ValueArray } from "../../lib/columnar/arrow/layout.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../lib/iceberg/spec/types.ts";
import { randomNumbers } from "./large_warehouse.ts";

/** 2026-01-01 in microseconds since the epoch. */
const START_US = 1_767_225_600_000_000n;
const CUSTOMERS = 10_000;
const COUNTRIES = 60;
const MAX_CENTS = 5_000;

type Random = (limit: number) => number;

/** An optional column. */
function column(id: number, name: string, type: Type): NestedField {
  const defaults = { initialDefault: undefined, writeDefault: undefined };
  return { id, name, required: false, type, doc: null, ...defaults };
}

/** Orders: an id and a time that ascend, a customer, a country, an amount. */
export const ORDERS = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    column(1, "order_id", { kind: "long" }),
    column(2, "placed_at", { kind: "timestamptz" }),
    column(3, "customer_id", { kind: "int" }),
    column(4, "country", { kind: "string" }),
    column(5, "amount", { kind: "double" }),
  ],
});

/** Orders of one file. */
export function orders(file: number, rows: number): RecordBatch {
  const random = randomNumbers(file + 1);
  const first = file * rows;
  const country = texts(
    rows,
    () => COUNTRY_NAMES[random(COUNTRIES) * random(COUNTRIES) % COUNTRIES]!,
  );
  return batchOf(ORDERS, rows, [
    longs(rows, (row) => BigInt(first + row)),
    times(rows, { first, random }),
    ints(rows, () => random(CUSTOMERS)),
    country,
    doubles(rows, () => random(MAX_CENTS) / 100),
  ]);
}

const COUNTRY_NAMES = Array.from({ length: COUNTRIES }, (_, at) => `country-${at}`);

type ColumnMaker = (rows: number, random: Random) => Parts;

/** Kinds of columns that visits have, by turns. */
const VISIT_COLUMNS: readonly { readonly name: string; type: Type; make: ColumnMaker }[] = [
  { name: "key", type: { kind: "long" }, make: (rows, random) => longs(rows, () => wide(random)) },
  {
    name: "text",
    type: { kind: "string" },
    make: (rows, random) => texts(rows, () => sentence(random)),
  },
  {
    name: "measure",
    type: { kind: "double" },
    make: (rows, random) => doubles(rows, () => random(2 ** 30) / 1024),
  },
  {
    name: "category",
    type: { kind: "string" },
    make: (rows, random) => texts(rows, () => COUNTRY_NAMES[random(COUNTRIES)]!),
  },
  { name: "count", type: { kind: "int" }, make: (rows, random) => ints(rows, () => random(5_000)) },
];

/** Visits: forty columns, of which eight are texts of some words. */
export const VISITS = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: Array.from({ length: 40 }, (_, at) => {
    const { name, type } = VISIT_COLUMNS[at % VISIT_COLUMNS.length]!;
    return column(at + 1, `${name}_${at}`, type);
  }),
});

/** Visits of one file. */
export function visits(file: number, rows: number): RecordBatch {
  const random = randomNumbers(file + 1);
  const parts = VISITS.fields.map((_, at) =>
    VISIT_COLUMNS[at % VISIT_COLUMNS.length]!.make(rows, random)
  );
  return batchOf(VISITS, rows, parts);
}

const WORDS = (
  "account basket browse cancel cart catalog checkout click compare coupon delivery detail filter " +
  "gift help invoice item landing list login mobile order page payment price product profile " +
  "promotion query rating receipt refund result return review search session shipping stock store"
).split(" ");

function sentence(random: Random): string {
  const length = 2 + random(5);
  return Array.from({ length }, () => WORDS[random(WORDS.length)]).join(" ");
}

function wide(random: Random): bigint {
  return BigInt(random(2 ** 30)) << 20n | BigInt(random(2 ** 20));
}

interface Parts {
  readonly values: ValueArray;
  readonly offsets?: Int32Array;
}

function batchOf(schema: Schema, rows: number, parts: readonly Parts[]): RecordBatch {
  const arrow = arrowSchema(schema);
  const columns = arrow.fields.map((field, at): Data =>
    makeColumn(field.type, { length: rows, ...parts[at]! })
  );
  return makeBatch(arrow, columns, { length: rows });
}

function longs(rows: number, valueOf: (row: number) => bigint): Parts {
  return { values: BigInt64Array.from({ length: rows }, (_, row) => valueOf(row)) };
}

function ints(rows: number, valueOf: () => number): Parts {
  return { values: Int32Array.from({ length: rows }, valueOf) };
}

function doubles(rows: number, valueOf: () => number): Parts {
  return { values: Float64Array.from({ length: rows }, valueOf) };
}

/** Two seconds apart, give or take one, in milliseconds. */
function times(rows: number, { first, random }: { first: number; random: Random }): Parts {
  return longs(rows, (row) => START_US + BigInt((first + row) * 2_000_000 + random(1_000) * 1_000));
}

function texts(rows: number, valueOf: () => string): Parts {
  const encoder = new TextEncoder();
  const encoded = Array.from({ length: rows }, () => encoder.encode(valueOf()));
  const offsets = new Int32Array(rows + 1);
  encoded.forEach(({ length }, row) => offsets[row + 1] = offsets[row]! + length);
  const values = new Uint8Array(offsets[rows]!);
  encoded.forEach((bytes, row) => values.set(bytes, offsets[row]));
  return { values, offsets };
}
