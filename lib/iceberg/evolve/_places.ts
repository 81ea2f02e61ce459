/** Where a column lies in a schema, and where one can be put. */
import {
  findColumn,
  findColumnByText,
  formatColumnName,
  parseColumnName,
} from "../ddl/column_name.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import type { NestedField } from "../spec/types.ts";
import { type ColumnPosition, evolutionError } from "./schema_change.ts";

/** A struct whose fields can be changed; the schema itself has id null. */
export interface StructPlace {
  readonly structId: number | null;
  readonly fields: readonly NestedField[];
  /** For messages: `struct location`, `the table`. */
  readonly title: string;
}

/** What is done, for messages: `add`, `drop`. */
export type Verb = "add" | "rename" | "drop" | "update";

/** The column that a change is about. Errors: `not_found`, code `column_not_found`. */
export function columnOf(schema: Schema, name: string, verb: Verb): FieldPath {
  const found = findColumnByText(schema, name);
  if (found !== undefined) return found;
  const message = `Cannot ${verb} column "${shown(name)}": there is no such column`;
  const part = verb === "rename" ? "old_name" : "name";
  throw evolutionError(message, { kind: "not_found", code: "column_not_found", part });
}

/** The struct that a new column goes to, and its own name there. */
export function placeForNew(
  schema: Schema,
  name: string,
): { readonly struct: StructPlace; readonly leaf: string } {
  const parts = parseColumnName(name);
  const leaf = parts.at(-1) ?? "";
  const parents = parts.slice(0, -1);
  if (parents.length === 0) return { struct: structPlace(schema, null), leaf };
  const parent = findColumn(schema, parents);
  if (parent === undefined) {
    throw evolutionError(
      `Cannot add column "${shown(name)}": there is no struct ${formatColumnName(parents)}; ` +
        "quote the name in backticks if the dot is part of it",
      { kind: "not_found", code: "column_not_found", part: "name" },
    );
  }
  const structId = structIn(parent.field);
  if (structId === null) {
    throw evolutionError(
      `Cannot add column "${shown(name)}": ${parent.name} has no fields to add one to`,
      { code: "not_a_struct", part: "name" },
    );
  }
  return { struct: structPlace(schema, structId), leaf };
}

/** The struct that holds a column; null for an element, key or value. */
export function structOf(schema: Schema, column: FieldPath): StructPlace | null {
  if (column.parentId === null) return structPlace(schema, null);
  const parent = schema.findById(column.parentId);
  return parent?.field.type.kind === "struct" ? structPlace(schema, column.parentId) : null;
}

/** Keys of maps do not change (spec "Schema Evolution"), nor does anything inside them. */
export function refuseMapKey(schema: Schema, id: number, verb: Verb): void {
  let path = schema.findById(id);
  while (path !== undefined && path.parentId !== null) {
    const parent = schema.findById(path.parentId);
    if (parent?.field.type.kind === "map" && parent.field.type.keyId === path.field.id) {
      throw evolutionError(
        `Cannot ${verb} column "${shown(path.name)}": the keys of a map cannot change`,
        { code: "map_key_change", part: verb === "rename" ? "old_name" : "name" },
      );
    }
    path = parent;
  }
}

/** Where a field is moved to. */
export interface MoveTarget {
  readonly position: ColumnPosition;
  readonly schema: Schema;
  readonly struct: StructPlace;
}

/** `fields` with the field of this id moved. Errors: `column_not_found`, `invalid_position`. */
export function moveField(
  fields: readonly NestedField[],
  id: number,
  target: MoveTarget,
): readonly NestedField[] {
  const moved = fields.find((field) => field.id === id);
  if (moved === undefined) throw new TypeError(`Cannot move field ${id}: it is in another struct`);
  const others = fields.filter((field) => field.id !== id);
  const { position } = target;
  if (position.kind === "first") return [moved, ...others];
  const neighbour = siblingNamed(fields, position.column, target);
  if (neighbour.id === id) {
    throw evolutionError(
      `Cannot move column "${shown(moved.name)}": it cannot come ${position.kind} itself`,
      { code: "invalid_position", part: position.kind },
    );
  }
  const at = others.indexOf(neighbour) + (position.kind === "after" ? 1 : 0);
  return others.toSpliced(at, 0, moved);
}

/** A name as messages repeat it. */
export function shown(name: string): string {
  return name.length > 128 ? `${name.slice(0, 128)}…` : name;
}

function siblingNamed(
  fields: readonly NestedField[],
  name: string,
  { position, schema, struct }: MoveTarget,
): NestedField {
  const part = position.kind;
  const exact = fields.find((field) => field.name === name);
  if (exact !== undefined) return exact;
  const folded = fields.filter((field) => field.name.toLowerCase() === name.toLowerCase());
  if (folded.length === 1 && folded[0] !== undefined) return folded[0];
  const byPath = findColumnByText(schema, name);
  const sibling = fields.find((field) => field.id === byPath?.field.id);
  if (sibling !== undefined) return sibling;
  if (byPath !== undefined) {
    throw evolutionError(
      `Cannot place a column ${part} "${
        shown(name)
      }": that is not in ${struct.title}, and columns ` +
        "do not move from one struct to another",
      { code: "invalid_position", part },
    );
  }
  throw evolutionError(
    `Cannot place a column ${part} "${shown(name)}": there is no such column in ${struct.title}`,
    { kind: "not_found", code: "column_not_found", part },
  );
}

function structPlace(schema: Schema, structId: number | null): StructPlace {
  if (structId === null) return { structId, fields: schema.fields, title: "the table" };
  const path = schema.findById(structId);
  const fields = path?.field.type.kind === "struct" ? path.field.type.fields : [];
  return { structId, fields, title: `struct ${shown(path?.name ?? "")}` };
}

/** The struct inside a field: its own, that of its elements or of its values. */
export function structIn({ id, type }: NestedField): number | null {
  if (type.kind === "struct") return id;
  if (type.kind === "list") return type.element.kind === "struct" ? type.elementId : null;
  return type.kind === "map" && type.value.kind === "struct" ? type.valueId : null;
}
