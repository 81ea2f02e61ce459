/** Changes of a column that is there: type, nullability, comment, default, position. */
import { parseDefault } from "../ddl/column_default.ts";
import { formatSqlType } from "../ddl/format_sql_type.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import { formatTransform } from "../spec/transform.ts";
import type { IcebergValue, NestedField, Type } from "../spec/types.ts";
import { assignFreshIds } from "./assign_fresh_ids.ts";
import { type Draft, freshIds, withFields } from "./_draft.ts";
import { editField, editStruct } from "./_edit_fields.ts";
import { moveField, shown, structOf } from "./_places.ts";
import { canPromote, keepsPartitions, promoteValue } from "./promotion.ts";
import { evolutionError, type EvolvingTable, type UpdateColumn } from "./schema_change.ts";

/** What a change is applied to. */
export interface UpdateTarget {
  readonly change: UpdateColumn;
  readonly column: FieldPath;
  readonly table: EvolvingTable;
}

/** Applies one change; the same draft comes back where it changes nothing. */
export function updateColumn(draft: Draft, target: UpdateTarget): Draft {
  const { change, column } = target;
  const struct = structOf(draft.schema, column);
  if (struct === null) refuseForMember(column, change);
  const ids = freshIds(draft.lastColumnId);
  const updated = [
    (field: NestedField) => withType(field, target, ids.next),
    (field: NestedField) => withNullability(field, target, draft.schema),
    (field: NestedField) => change.doc === undefined ? field : withDoc(field, change.doc),
    (field: NestedField) => withDefault(field, target),
  ].reduce((field, step) => step(field), column.field);
  const { fields } = draft.schema;
  const { id } = column.field;
  let next = draft;
  if (updated !== column.field) {
    next = { ...withFields(draft, editField(fields, id, () => updated)), lastColumnId: ids.last() };
  }
  const { position } = change;
  if (position === undefined || struct === null) return next;
  const { schema } = next;
  const moved = editStruct(
    schema.fields,
    struct.structId,
    (siblings) => moveField(siblings, id, { position, schema, struct }),
  );
  const order = (list: readonly NestedField[]) => JSON.stringify(idsOf(list));
  return order(moved) === order(schema.fields) ? next : withFields(next, moved);
}

/** Elements, keys and values have no comment, default or place of their own. */
function refuseForMember(column: FieldPath, change: UpdateColumn): void {
  const parts: readonly (readonly [string, unknown])[] = [
    ["comment", change.doc],
    ["default", change.writeDefault],
    [change.position?.kind ?? "first", change.position],
  ];
  for (const [part, value] of parts) {
    if (value === undefined) continue;
    throw evolutionError(
      `Cannot update column "${
        shown(column.name)
      }": elements, keys and values of collections have ` +
        "a type and a nullability only",
      { code: "not_a_column", part },
    );
  }
}

function withType(field: NestedField, target: UpdateTarget, nextId: () => number): NestedField {
  const { change: { type: wanted }, column, table } = target;
  if (wanted === undefined || isSameType(field.type, wanted)) return field;
  const [from, to] = [formatSqlType(field.type), formatSqlType(wanted)];
  const refuse = (why: string) =>
    evolutionError(`Cannot change the type of column "${shown(column.name)}": ${why}`, {
      code: "type_change_refused",
      part: "type",
    });
  if (!canPromote(field.type, wanted, table.formatVersion)) {
    throw refuse(`${from} does not become ${to}; ${promotionsOf(field.type, table)}`);
  }
  for (const spec of table.partitionSpecs) {
    const broken = spec.fields.find(({ transform, sourceIds }) =>
      sourceIds.includes(field.id) && !keepsPartitions(transform, field.type)
    );
    if (broken !== undefined) {
      const transform = formatTransform(broken.transform);
      throw refuse(
        `files are partitioned by its ${transform}, which is another value for ${to} than for ${from}`,
      );
    }
  }
  const type = assignFreshIds(wanted, nextId);
  const promote = (value: IcebergValue | undefined) => {
    if (value === undefined) return undefined;
    const promoted = promoteValue(field.type, type, value);
    if (promoted === undefined) throw refuse(`its default is out of the range of ${to}`);
    return promoted;
  };
  return {
    ...field,
    type,
    initialDefault: promote(field.initialDefault),
    writeDefault: promote(field.writeDefault),
  };
}

/** What a type can be promoted to, for the remedy. */
function promotionsOf(type: Type, { formatVersion }: EvolvingTable): string {
  switch (type.kind) {
    case "int":
      return "it can become bigint";
    case "float":
      return "it can become double";
    case "decimal":
      return `it can become a decimal of more digits and scale ${type.scale}`;
    case "date":
      return formatVersion >= 3
        ? "it can become timestamp_ntz or timestamp_ns"
        : "in format version 3 it could become timestamp_ntz";
    default:
      return "add a column of the new type instead";
  }
}

function withNullability(field: NestedField, target: UpdateTarget, schema: Schema): NestedField {
  const { change: { required }, column } = target;
  if (required === undefined || required === field.required) return field;
  if (required) {
    throw evolutionError(
      `Cannot make column "${shown(column.name)}" required: rows that exist may have no value; ` +
        "add a required column with a default in format version 3 instead",
      { code: "optional_to_required", part: "nullable" },
    );
  }
  const identifier = schema.identifierFieldIds.find((id) => isInside(schema, id, column.field.id));
  if (identifier !== undefined) {
    const name = schema.findById(identifier)?.name ?? `#${identifier}`;
    throw evolutionError(
      `Cannot make column "${shown(column.name)}" nullable: ${shown(name)} identifies rows`,
      { kind: "conflict", code: "column_in_use", part: "nullable" },
    );
  }
  return { ...field, required: false };
}

function withDoc(field: NestedField, doc: string | null): NestedField {
  return field.doc === doc ? field : { ...field, doc };
}

function withDefault(field: NestedField, { change, column, table }: UpdateTarget): NestedField {
  const wanted = change.writeDefault;
  if (wanted === undefined) return field;
  const name = shown(column.name);
  const refuse = (why: string, code: string) =>
    evolutionError(`Cannot change the default of column "${name}": ${why}`, {
      code,
      part: "default",
    });
  if (wanted === null) {
    if (field.writeDefault === undefined) return field;
    if (field.required) throw refuse("a required column keeps one", "required_without_default");
    return { ...field, writeDefault: undefined };
  }
  if (table.formatVersion < 3) {
    const version = table.formatVersion;
    throw refuse(`that takes format version 3, the table has ${version}`, "default_needs_v3");
  }
  const writeDefault = parseDefault(field.type, wanted);
  const same = field.writeDefault !== undefined && isSameValue(field.writeDefault, writeDefault);
  return same ? field : { ...field, writeDefault };
}

function isInside(schema: Schema, id: number, ancestor: number): boolean {
  let path = schema.findById(id);
  while (path !== undefined) {
    if (path.field.id === ancestor) return true;
    path = path.parentId === null ? undefined : schema.findById(path.parentId);
  }
  return false;
}

/** Ids inside the wanted type are provisional, so types are compared without them. */
function isSameType(a: Type, b: Type): boolean {
  return formatSqlType(a, { full: true }) === formatSqlType(b, { full: true });
}

function isSameValue(a: IcebergValue, b: IcebergValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.toHex() === b.toHex();
  return a === b || Object.is(a, b);
}

/** Ids in order, nested ones included. */
function idsOf(fields: readonly NestedField[]): unknown {
  return fields.map((
    { id, type },
  ) => [id, type.kind === "struct" ? idsOf(type.fields) : memberIds(type)]);
}

function memberIds(type: Type): unknown {
  if (type.kind === "struct") return idsOf(type.fields);
  if (type.kind === "list") return memberIds(type.element);
  return type.kind === "map" ? memberIds(type.value) : null;
}
