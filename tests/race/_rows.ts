/** Rows of a raced table: what they hold can be told from their number and the columns they came with. */
import type { PartitionSpec } from "../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField } from "../../lib/iceberg/spec/types.ts";
import { field } from "../support/writable_tables.ts";

/** A row as the oracle knows it. Plain data: rivals in other processes send it. */
export interface Row {
  /** Given once, over all versions of a key. */
  readonly uid: number;
  /** What equality deletes go by; several rows may have had it. */
  readonly key: number;
  readonly region: string;
  /** Ids of the columns that its writer knew. */
  readonly columns: readonly number[];
}

/** Ids of the columns that no race drops. */
export const FIXED = { uid: 1, key: 2, region: 3 } as const;

/** Regions of rows, and partitions. */
export const REGIONS = ["eu", "us", "asia"] as const;

/** `uid long, key long, region string, amount int`. */
export const RACE_SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    field(FIXED.uid, "uid"),
    field(FIXED.key, "key"),
    field(FIXED.region, "region", { kind: "string" }),
    field(4, "amount", { kind: "int" }),
  ],
});

/** Partitioned by region. */
export const BY_REGION: PartitionSpec = {
  specId: 0,
  fields: [{
    sourceIds: [FIXED.region],
    fieldId: 1000,
    name: "region_part",
    transform: { kind: "identity" },
  }],
};

/** Not partitioned: equality deletes of such a spec are for the whole table. */
export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] };

/** The value of a row's column as its writer writes it. */
export function valueOf(row: Row, { id, type, name }: NestedField): IcebergValue {
  if (id === FIXED.uid) return BigInt(row.uid);
  if (id === FIXED.key) return BigInt(row.key);
  if (id === FIXED.region) return row.region;
  const number = row.uid * 64 + id;
  switch (type.kind) {
    case "int":
      return number;
    case "long":
      return BigInt(number);
    case "float":
    case "double":
      return number + 0.5;
    case "string":
      return `${id} of ${row.uid}`;
    default:
      throw new TypeError(`Cannot make up a value for column "${name}" of type ${type.kind}`);
  }
}

/** A row with these fields, in their order. */
export function valuesOf(row: Row, fields: readonly NestedField[]): IcebergValue[] {
  return fields.map((one) => valueOf(row, one));
}

/** What a reader with these fields must see of a row, as {@linkcode textOf} puts it. */
export function expectedText(row: Row, fields: readonly NestedField[]): string {
  const known = new Set(row.columns);
  return textOf(
    fields.map((one) => known.has(one.id) ? valueOf(row, one) : one.initialDefault ?? null),
    fields,
  );
}

/** A row in text: promoted types look like those they come from. */
export function textOf(values: readonly IcebergValue[], fields: readonly NestedField[]): string {
  return fields.map(({ id }, at) => `${id}=${String(values[at])}`).join(" ");
}

/** The row as NDJSON has it. */
export function jsonOf(row: Row, fields: readonly NestedField[]): string {
  const entries = fields.map((one) => {
    const value = valueOf(row, one);
    return [one.name, typeof value === "bigint" ? Number(value) : value];
  });
  return JSON.stringify(Object.fromEntries(entries));
}
