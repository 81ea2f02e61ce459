/** Finds a column, however deep in structs, in batches of a schema. */
import type { Data, RecordBatch } from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { FieldPath, Schema } from "../../iceberg/spec/schema.ts";
import { isPrimitive, type NestedField, type Type } from "../../iceberg/spec/types.ts";
import { getBit, newBitmap, setBit } from "../arrow/bitmap.ts";
import { validityOf } from "../arrow/layout.ts";

/** Reads a column from a batch that has the Arrow form of the schema. */
export type ColumnOf = (batch: RecordBatch) => Data;

/**
 * The reader of the column at `path`: null where a struct around it is null. A column inside a list or
 * map is `unsupported`.
 */
export function columnReader(path: FieldPath, schema: Schema): ColumnOf {
  const [top = 0, ...below] = placesOf(path, schema);
  return (batch) => {
    const column = batch.data.children[top];
    if (column === undefined) throw new TypeError(`Cannot find column "${path.name}" in a batch`);
    return memberOf(column, below);
  };
}

/** The member of a struct column at these places, null where a struct around it is null. */
export function memberOf(column: Data, places: readonly number[]): Data {
  let member = column;
  for (const place of places) {
    const child = member.children[place];
    if (child === undefined) throw new TypeError(`Cannot find member ${place} of ${member.type}`);
    member = belowStruct(member, child);
  }
  return member;
}

/** Places from the top of the schema down to the column; only structs lie between. */
function placesOf(path: FieldPath, schema: Schema): readonly number[] {
  const places: number[] = [];
  for (let at: FieldPath | undefined = path; at !== undefined;) {
    const parent: FieldPath | undefined = at.parentId === null
      ? undefined
      : schema.findById(at.parentId);
    const { id } = at.field;
    const siblings = parent === undefined ? schema.fields : fieldsOf(parent.field.type);
    const place = siblings.findIndex((field) => field.id === id);
    if (place < 0) {
      throw insideList(path);
    }
    places.unshift(place);
    at = parent;
  }
  return places;
}

function fieldsOf(type: Type): readonly NestedField[] {
  return !isPrimitive(type) && type.kind === "struct" ? type.fields : [];
}

/** A member of a struct with the nulls of the struct. */
function belowStruct(struct: Data, member: Data): Data {
  const outer = validityOf(struct);
  if (outer === null) return member;
  const inner = validityOf(member);
  const { length } = member;
  const validity = newBitmap(length + member.offset);
  for (let row = 0; row < length; row++) {
    const isValid = getBit(outer, struct.offset + row) &&
      (inner === null || getBit(inner, member.offset + row));
    // Booleans are read from the same offset, so it stays.
    if (isValid) setBit(validity, member.offset + row);
  }
  const buffers = [member.valueOffsets, member.values, validity, member.typeIds];
  return member.clone(member.type, member.offset, length, -1, buffers as never, member.children);
}

function insideList(path: FieldPath): AppError {
  return new AppError(
    "unsupported",
    "column_repeated",
    `Cannot use column "${path.name}": it lies inside a list or map, where a row has many values`,
  );
}
