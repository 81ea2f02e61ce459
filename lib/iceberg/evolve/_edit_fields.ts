/** Changes deep inside a schema: everything around the change is kept as it is. */
import type { NestedField, Type } from "../spec/types.ts";

type EditFields = (fields: readonly NestedField[]) => readonly NestedField[];

/** A field, or the element, key or value of a collection in the form of a field. */
export type EditField = (field: NestedField) => NestedField;

/**
 * Replaces the fields of one struct: the schema's own where `structId` is null, otherwise those of
 * the field, list element or map value with that id.
 */
export function editStruct(
  fields: readonly NestedField[],
  structId: number | null,
  edit: EditFields,
): readonly NestedField[] {
  if (structId === null) return edit(fields);
  return editField(fields, structId, (field) => {
    if (field.type.kind !== "struct") {
      throw new TypeError(`Cannot edit the fields of field ${structId}: it is no struct`);
    }
    return { ...field, type: { kind: "struct", fields: edit(field.type.fields) } };
  });
}

/** Replaces one field, or the element or value of a collection, whose type and nullability count. */
export function editField(
  fields: readonly NestedField[],
  id: number,
  edit: EditField,
): readonly NestedField[] {
  return fields.map((field) => {
    if (field.id === id) return edit(field);
    const type = editInside(field.type, id, edit);
    return type === field.type ? field : { ...field, type };
  });
}

function editInside(type: Type, id: number, edit: EditField): Type {
  if (type.kind === "struct") {
    const fields = editField(type.fields, id, edit);
    return fields.every((field, i) => field === type.fields[i]) ? type : { ...type, fields };
  }
  if (type.kind === "list") {
    const { elementId, elementRequired, element } = type;
    const before = member(elementId, element, elementRequired);
    const [after = before] = editField([before], id, edit);
    return after === before
      ? type
      : { ...type, element: after.type, elementRequired: after.required };
  }
  if (type.kind !== "map") return type;
  const { valueId, valueRequired, value } = type;
  const before = member(valueId, value, valueRequired);
  const [after = before] = editField([before], id, edit);
  return after === before ? type : { ...type, value: after.type, valueRequired: after.required };
}

function member(id: number, type: Type, required: boolean): NestedField {
  const rest = { name: "", doc: null, initialDefault: undefined, writeDefault: undefined };
  return { ...rest, id, type, required };
}
