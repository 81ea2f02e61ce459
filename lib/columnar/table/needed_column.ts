/** Columns that reading needs beside those asked for: to test filters and equality deletes. */
import type { Data } from "apache-arrow";
import type { FieldPath, Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";
import { memberOf } from "./column_reader.ts";

/** A leaf to read, as a column of its own. */
export interface NeededColumn {
  readonly id: number;
  /** Full dotted name. */
  readonly name: string;
  readonly type: Type;
  /** The top-level column cut to the leaf; optional throughout, as old files may have it so. */
  readonly field: NestedField;
  /** The leaf in a column of `field`. */
  readonly leafOf: (column: Data) => Data;
}

/**
 * The column with this id in the first schema that has it outside of lists and maps; null where none
 * has.
 */
export function neededColumn(schemas: readonly Schema[], id: number): NeededColumn | null {
  for (const schema of schemas) {
    const path = schema.findById(id);
    const fields = path === undefined ? null : fieldsDownTo(path, schema);
    if (path === undefined || fields === null) continue;
    const [leaf, ...around] = fields.toReversed();
    if (leaf === undefined) continue;
    const field = around.reduce<NestedField>(
      (inner, outer) => ({
        ...outer,
        required: false,
        initialDefault: undefined,
        type: { kind: "struct", fields: [inner] },
      }),
      { ...leaf, required: false },
    );
    const places = around.map(() => 0);
    return {
      id,
      name: path.name,
      type: leaf.type,
      field,
      leafOf: (column) => memberOf(column, places),
    };
  }
  return null;
}

/** The fields from the top level down to the path's own; null where one is a list or map. */
function fieldsDownTo(path: FieldPath, schema: Schema): readonly NestedField[] | null {
  const fields = [path.field];
  for (let parentId = path.parentId; parentId !== null;) {
    const parent = schema.findById(parentId);
    if (parent === undefined || parent.field.type.kind !== "struct") return null;
    fields.unshift(parent.field);
    parentId = parent.parentId;
  }
  return fields;
}
