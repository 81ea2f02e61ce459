/** Field ids for new columns, in the order in which the reference implementation gives them. */
import type { NestedField, Type } from "../spec/types.ts";

/**
 * The type with every field id in it assigned anew: all fields of a struct before what is inside
 * them, key and value before what is inside those.
 */
export function assignFreshIds(type: Type, nextId: () => number): Type {
  switch (type.kind) {
    case "struct":
      return { kind: "struct", fields: assignFreshFieldIds(type.fields, nextId) };
    case "list": {
      const elementId = nextId();
      return { ...type, elementId, element: assignFreshIds(type.element, nextId) };
    }
    case "map": {
      const [keyId, valueId] = [nextId(), nextId()];
      const key = assignFreshIds(type.key, nextId);
      return { ...type, keyId, key, valueId, value: assignFreshIds(type.value, nextId) };
    }
    default:
      return type;
  }
}

/** As {@linkcode assignFreshIds}, for the fields of a struct or a schema. */
export function assignFreshFieldIds(
  fields: readonly NestedField[],
  nextId: () => number,
): readonly NestedField[] {
  const numbered = fields.map((field) => ({ ...field, id: nextId() }));
  return numbered.map((field) => ({ ...field, type: assignFreshIds(field.type, nextId) }));
}
