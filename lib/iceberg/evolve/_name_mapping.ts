/** Name mappings (spec "Column Projection") as schemas evolve. */
import type { JsonOutput } from "../../json.ts";
import type { MappedField } from "../spec/name_mapping.ts";
import type { Schema } from "../spec/schema.ts";
import type { NestedField, Type } from "../spec/types.ts";

/** The schemas around an evolution. */
export interface SchemaStep {
  readonly before: Schema;
  readonly after: Schema;
}

/**
 * The mapping with the names that fields of `after` got: a renamed field is found by either name,
 * a new one by its own. A name belongs to one field of a level, and the newest has it.
 */
export function evolveNameMapping(
  fields: readonly MappedField[],
  step: SchemaStep,
): readonly MappedField[] {
  return evolveLevel(fields, step.after.fields, step.before);
}

/** Inverse of `parseNameMapping` (spec Appendix C, "Name Mapping Serialization"). */
export function nameMappingToJson(fields: readonly MappedField[]): JsonOutput {
  return fields.map((field) => ({
    ...(field.fieldId === null ? {} : { "field-id": field.fieldId }),
    names: field.names,
    ...(field.fields.length === 0 ? {} : { fields: nameMappingToJson(field.fields) }),
  }));
}

function evolveLevel(
  mapped: readonly MappedField[],
  members: readonly NestedField[],
  before: Schema,
): readonly MappedField[] {
  const byId = new Map(members.map((field) => [field.id, field]));
  const taken = new Map<string, number>();
  for (const { id, name } of members) {
    if (before.findById(id)?.field.name !== name) taken.set(name, id);
  }
  const kept = mapped.map((entry): MappedField => {
    const field = entry.fieldId === null ? undefined : byId.get(entry.fieldId);
    const own = entry.names.filter((name) => {
      const owner = taken.get(name);
      return owner === undefined || owner === entry.fieldId;
    });
    if (field === undefined) return { ...entry, names: own };
    const names = taken.has(field.name) && !own.includes(field.name) ? [...own, field.name] : own;
    return { ...entry, names, fields: evolveLevel(entry.fields, membersOf(field.type), before) };
  });
  const known = new Set(mapped.map(({ fieldId }) => fieldId));
  const added = members.filter(({ id }) => before.findById(id) === undefined && !known.has(id));
  return [...kept, ...added.map(mapField)];
}

function mapField({ id, name, type }: NestedField): MappedField {
  return { fieldId: id, names: [name], fields: membersOf(type).map(mapField) };
}

/** Fields of a struct, `element` of a list, `key` and `value` of a map. */
function membersOf(type: Type): readonly NestedField[] {
  if (type.kind === "struct") return type.fields;
  if (type.kind === "list") return [member(type.elementId, "element", type.element)];
  if (type.kind !== "map") return [];
  return [member(type.keyId, "key", type.key), member(type.valueId, "value", type.value)];
}

function member(id: number, name: string, type: Type): NestedField {
  const rest = { required: false, doc: null, initialDefault: undefined, writeDefault: undefined };
  return { ...rest, id, name, type };
}
