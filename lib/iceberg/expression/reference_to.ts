/** References to columns of a schema. */
import type { Schema } from "../spec/schema.ts";
import type { BoundReference } from "./bound.ts";

/** A reference with what its place in the schema says of it. */
export interface PlacedReference extends BoundReference {
  /** Inside a list or map: a row has any number of its values. */
  readonly repeated: boolean;
}

/** The column with this field id, at any depth; null where the schema has none. */
export function referenceTo(schema: Schema, fieldId: number): PlacedReference | null {
  const path = schema.findById(fieldId);
  if (path === undefined) return null;
  let underOptional = false;
  let repeated = false;
  for (let parentId = path.parentId; parentId !== null;) {
    const parent = schema.findById(parentId);
    if (parent === undefined) {
      throw new TypeError(`Cannot find field ${parentId} in its own schema`);
    }
    repeated ||= parent.field.type.kind !== "struct";
    underOptional ||= !parent.field.required;
    parentId = parent.parentId;
  }
  const { field, name } = path;
  const nullable = underOptional || !field.required;
  return { fieldId, name, type: field.type, nullable, underOptional, repeated };
}
