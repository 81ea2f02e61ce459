/** Random tables that Parquet can hold. */
import fc from "fast-check";
import type { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, Type } from "../../../../lib/iceberg/spec/types.ts";
import { field, typed } from "../arrow/_columns.ts";
import { schemaOf } from "./_files.ts";

/** A schema with a list of values for each of its columns. */
export interface Table {
  readonly schema: Schema;
  readonly columns: readonly (readonly IcebergValue[])[];
  readonly rows: number;
}

/** Tables of up to `maxColumns` columns and 1 to `maxRows` rows; every field id is used once. */
export function tables(
  { maxColumns, maxRows }: { readonly maxColumns: number; readonly maxRows: number },
): fc.Arbitrary<Table> {
  const column = typed(3).filter(({ type }) => isWritable(type));
  return fc.tuple(
    fc.array(column, { minLength: 1, maxLength: maxColumns }),
    fc.integer({ min: 1, max: maxRows }),
  ).chain(([columns, rows]) => {
    const next = { id: 1 };
    const schema = schemaOf(...columns.map(({ type }, at) => {
      const id = next.id++;
      return field(id, `c${at}`, withIds(type, next));
    }));
    const length = { minLength: rows, maxLength: rows };
    return fc.tuple(...columns.map(({ value }) => fc.array(fc.option(value, { freq: 4 }), length)))
      .map((values) => ({ schema, columns: values, rows }));
  });
}

/** Whether Parquet can hold the type: nothing stands for `unknown`, which no file has. */
function isWritable(type: Type): boolean {
  switch (type.kind) {
    case "unknown":
      return false;
    case "struct":
      return type.fields.every((child) => isWritable(child.type));
    case "list":
      return isWritable(type.element);
    case "map":
      return isWritable(type.key) && isWritable(type.value);
    default:
      return true;
  }
}

function withIds(type: Type, next: { id: number }): Type {
  switch (type.kind) {
    case "struct":
      return {
        kind: "struct",
        fields: type.fields.map((child) => ({
          ...child,
          id: next.id++,
          type: withIds(child.type, next),
        })),
      };
    case "list":
      return { ...type, elementId: next.id++, element: withIds(type.element, next) };
    case "map":
      return {
        ...type,
        keyId: next.id++,
        key: withIds(type.key, next),
        valueId: next.id++,
        value: withIds(type.value, next),
      };
    default:
      return type;
  }
}
