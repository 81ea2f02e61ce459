/**
 * A table schema (spec: "Schemas"): a struct with an id, identifier fields, and look-ups by field
 * id and by full name.
 */
import type { JsonObject } from "../../json.ts";
import type { NestedField, StructType } from "./types.ts";

/** Parts of a {@linkcode Schema}. */
export interface SchemaInit {
  readonly schemaId: number;
  readonly fields: readonly NestedField[];
  /** Ids of the fields that identify a row; empty where none are declared. */
  readonly identifierFieldIds: readonly number[];
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A field with its place in the schema. */
export interface FieldPath {
  readonly field: NestedField;
  /** Full dotted name: `a.b`, `list.element`, `map.key`, `map.value`. */
  readonly name: string;
  /** Id of the enclosing struct, list or map field; null at the top level. */
  readonly parentId: number | null;
}

/**
 * An immutable schema. The codec has validated ids and names; the look-ups are built when first
 * asked for, because a table keeps many schemas that nobody looks into.
 */
export class Schema implements SchemaInit {
  readonly schemaId: number;
  readonly fields: readonly NestedField[];
  readonly identifierFieldIds: readonly number[];
  readonly extra?: JsonObject;
  #index: SchemaIndex | null = null;

  constructor(init: SchemaInit) {
    this.schemaId = init.schemaId;
    this.fields = init.fields;
    this.identifierFieldIds = init.identifierFieldIds;
    if (init.extra !== undefined) this.extra = init.extra;
  }

  /** The schema's fields as a struct type. */
  asStruct(): StructType {
    return { kind: "struct", fields: this.fields };
  }

  /** Every field, nested ones included, in depth-first order. */
  allFields(): IterableIterator<FieldPath> {
    return this.#lookUps().byId.values();
  }

  /** The field with this id, at any depth. */
  findById(id: number): FieldPath | undefined {
    return this.#lookUps().byId.get(id);
  }

  /** The field with this full dotted name, case-sensitive. */
  findByName(name: string): FieldPath | undefined {
    return this.#lookUps().byName.get(name);
  }

  /** The largest field id in use, 0 for an empty schema. */
  highestFieldId(): number {
    let highest = 0;
    for (const id of this.#lookUps().byId.keys()) if (id > highest) highest = id;
    return highest;
  }

  #lookUps(): SchemaIndex {
    return this.#index ??= buildIndex(this.fields);
  }
}

interface SchemaIndex {
  readonly byId: ReadonlyMap<number, FieldPath>;
  readonly byName: ReadonlyMap<string, FieldPath>;
}

function buildIndex(fields: readonly NestedField[]): SchemaIndex {
  const byId = new Map<number, FieldPath>();
  const byName = new Map<string, FieldPath>();
  for (const path of walkFields({ kind: "struct", fields })) {
    byId.set(path.field.id, path);
    // A column named `a.b` and a field b of a struct a share a name; the first one has it.
    if (!byName.has(path.name)) byName.set(path.name, path);
  }
  return { byId, byName };
}

/** Depth-first walk; list and map members appear as fields named `element`, `key` and `value`. */
export function* walkFields(struct: StructType): Generator<FieldPath> {
  for (const field of struct.fields) yield* walkField(field, field.name, null);
}

function* walkField(
  field: NestedField,
  name: string,
  parentId: number | null,
): Generator<FieldPath> {
  yield { field, name, parentId };
  const { type } = field;
  if (type.kind === "struct") {
    for (const child of type.fields) yield* walkField(child, `${name}.${child.name}`, field.id);
  } else if (type.kind === "list") {
    const element = member(type.elementId, "element", type.elementRequired, type.element);
    yield* walkField(element, `${name}.element`, field.id);
  } else if (type.kind === "map") {
    const key = member(type.keyId, "key", true, type.key);
    const value = member(type.valueId, "value", type.valueRequired, type.value);
    yield* walkField(key, `${name}.key`, field.id);
    yield* walkField(value, `${name}.value`, field.id);
  }
}

function member(
  id: number,
  name: string,
  required: boolean,
  type: NestedField["type"],
): NestedField {
  return {
    id,
    name,
    required,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}
