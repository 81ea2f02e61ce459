/** Schema evolution as a function of values (spec "Schema Evolution"). */
import { findColumn, parseColumnName } from "../ddl/column_name.ts";
import { parseDefault } from "../ddl/column_default.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../spec/types.ts";
import { assignFreshIds } from "./assign_fresh_ids.ts";
import { type Draft, freshIds, withFields } from "./_draft.ts";
import { checkEvolved } from "./_check_evolved.ts";
import { refuseDrop } from "./_drop_rules.ts";
import { editField, editStruct } from "./_edit_fields.ts";
import {
  columnOf,
  moveField,
  placeForNew,
  refuseMapKey,
  shown,
  structIn,
  structOf,
} from "./_places.ts";
import { updateColumn } from "./_update_column.ts";
import { findAlike, nameProblem } from "./column_rules.ts";
import {
  type AddColumn,
  evolutionError,
  type EvolvingTable,
  type RenameColumn,
  type SchemaChange,
} from "./schema_change.ts";

/** What became of a schema. */
export interface EvolvedSchema {
  /** With the id of the schema it came from: whoever adds it to a table gives it its own. */
  readonly schema: Schema;
  /** The highest field id ever given out. */
  readonly lastColumnId: number;
  /** False where the changes left everything as it was. */
  readonly changed: boolean;
}

/**
 * Applies changes in order, each to what the one before left. Errors are `AppError` with the part of
 * the change that is wrong as issue: `not_found`/`column_not_found`, `already_exists`/
 * `column_exists`, `conflict`/`column_in_use` (a partition field, sort order or identifier needs the
 * column), otherwise `invalid`.
 */
export function updateSchema(
  schema: Schema,
  changes: readonly SchemaChange[],
  table: EvolvingTable,
): EvolvedSchema {
  let draft: Draft = {
    schema,
    // Writers have been known to record less than they used.
    lastColumnId: Math.max(table.lastColumnId, schema.highestFieldId()),
  };
  for (const change of changes) draft = applyChange(draft, change, table);
  const changed = draft.schema !== schema;
  if (changed) checkEvolved(schema, draft.schema, table);
  return { ...draft, changed };
}

function applyChange(draft: Draft, change: SchemaChange, table: EvolvingTable): Draft {
  switch (change.kind) {
    case "add":
      return addColumn(draft, change, table);
    case "rename":
      return renameColumn(draft, change);
    case "drop": {
      const column = columnOf(draft.schema, change.name, "drop");
      refuseDrop(draft.schema, column, table);
      const struct = structOf(draft.schema, column);
      const structId = struct?.structId ?? null;
      const { id } = column.field;
      const without = (fields: readonly NestedField[]) => fields.filter((one) => one.id !== id);
      return withFields(draft, editStruct(draft.schema.fields, structId, without));
    }
    case "update": {
      const column = columnOf(draft.schema, change.name, "update");
      refuseMapKey(draft.schema, column.field.id, "update");
      return updateColumn(draft, { change, column, table });
    }
  }
}

function addColumn(draft: Draft, change: AddColumn, table: EvolvingTable): Draft {
  const { schema } = draft;
  const { struct, leaf } = placeForNew(schema, change.name);
  if (struct.structId !== null) refuseMapKey(schema, struct.structId, "add");
  requireNewName(leaf, { struct: struct.fields, topLevel: struct.structId === null, part: "name" });
  const ids = freshIds(draft.lastColumnId);
  const id = ids.next();
  const type = assignFreshIds(change.type, ids.next);
  const value = initialValue(change, type, table);
  const field: NestedField = {
    id,
    name: leaf,
    required: change.required,
    type,
    doc: change.doc,
    initialDefault: value,
    writeDefault: value,
  };
  const fields = editStruct(schema.fields, struct.structId, (siblings) => {
    const all = [...siblings, field];
    const { position } = change;
    return position === undefined ? all : moveField(all, id, { position, schema, struct });
  });
  return { ...withFields(draft, fields), lastColumnId: ids.last() };
}

/** Rows that exist need a value of a required column, which only v3 can give them. */
function initialValue(
  { name, required, defaultValue }: AddColumn,
  type: Type,
  { formatVersion }: EvolvingTable,
): IcebergValue | undefined {
  if (defaultValue !== undefined && defaultValue !== null) {
    if (formatVersion < 3) {
      throw evolutionError(
        `Cannot add column "${shown(name)}" with a default: that takes format version 3, and ` +
          `the table has ${formatVersion}; leave the default out`,
        { code: "default_needs_v3", part: "default" },
      );
    }
    return parseDefault(type, defaultValue);
  }
  if (!required) return undefined;
  throw evolutionError(
    `Cannot add column "${shown(name)}" as required: rows that exist have no value for it; ` +
      "make it nullable or, in format version 3, give it a default",
    { code: "required_without_default", part: "nullable" },
  );
}

function renameColumn(draft: Draft, change: RenameColumn): Draft {
  const { schema } = draft;
  const column = columnOf(schema, change.name, "rename");
  refuseMapKey(schema, column.field.id, "rename");
  const struct = structOf(schema, column);
  if (struct === null) {
    throw evolutionError(
      `Cannot rename column "${shown(column.name)}": elements, keys and values have fixed names`,
      { code: "fixed_name", part: "old_name" },
    );
  }
  const name = leafOf(schema, column, change.newName);
  if (name === column.field.name) return draft;
  const siblings = struct.fields.filter((field) => field.id !== column.field.id);
  const topLevel = struct.structId === null;
  requireNewName(name, { struct: siblings, topLevel, part: "new_name" });
  const { id } = column.field;
  return withFields(draft, editField(schema.fields, id, (field) => ({ ...field, name })));
}

/** The new name may be given in full: then the struct must be the same. */
function leafOf(schema: Schema, column: FieldPath, newName: string): string {
  const parts = parseColumnName(newName);
  const leaf = parts.at(-1) ?? "";
  if (parts.length === 1) return leaf;
  const parent = findColumn(schema, parts.slice(0, -1));
  if (parent !== undefined && structIn(parent.field) === column.parentId) return leaf;
  throw evolutionError(
    `Cannot rename column "${shown(column.name)}" to "${
      shown(newName)
    }": columns do not move from ` +
      "one struct to another; quote the name in backticks if the dot is part of it",
    { code: "invalid_column_name", part: "new_name" },
  );
}

function requireNewName(
  name: string,
  place: {
    readonly struct: readonly NestedField[];
    readonly topLevel: boolean;
    readonly part: string;
  },
): void {
  const { struct, topLevel, part } = place;
  const problem = nameProblem(name, { topLevel });
  if (problem !== null) {
    throw evolutionError(`Cannot name a column "${shown(name)}": ${problem}`, {
      code: "invalid_column_name",
      part,
    });
  }
  const alike = findAlike(struct, name);
  if (alike === undefined) return;
  const which = alike.name === name ? "there is one" : `there is "${shown(alike.name)}"`;
  throw evolutionError(`Cannot name a column "${shown(name)}": ${which} already`, {
    kind: "already_exists",
    code: "column_exists",
    part,
  });
}
