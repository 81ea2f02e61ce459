/**
 * Rows of somebody else's as rows of a table: columns go by name, whatever field ids they carry, for
 * those are another table's. What the table has and the rows lack gets its `write-default`, else null.
 */
import { DataType, Field, type RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { type MappedField, NameMapping } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";
import { makeBatch } from "../arrow/batch.ts";
import type { Exactness } from "../arrow/check_exact.ts";
import type { ColumnFault } from "../arrow/column_error.ts";
import { compileProjection, type Projection } from "./project_batch.ts";

/** Options of {@linkcode NameProjection}. */
export interface NameProjectionOptions {
  /** The table's. */
  readonly schema: Schema;
  readonly exactness: Exactness;
  /** Makes the errors of columns and of their values, by full name. */
  readonly faultOf: (column: string) => ColumnFault;
}

/** See the module. */
export class NameProjection {
  readonly #projection: Projection;
  readonly #plain: ArrowSchema;
  readonly #needed: ArrowSchema;

  /** Every column must be one of the table's, and every required one must be there. */
  constructor(given: ArrowSchema, { schema, exactness, faultOf }: NameProjectionOptions) {
    this.#plain = new ArrowSchema(given.fields.map(withoutIds));
    checkNames(given.fields, schema.fields, { path: "", faultOf });
    this.#projection = compileProjection(this.#plain, schema.fields.map(withWriteDefault), {
      exactness,
      nameMapping: new NameMapping(schema.fields.map(mapped)),
      file: { location: "rows", constants: new Map(), firstRowId: null, sequenceNumber: 0n },
      faultOf,
    });
    this.#needed = new ArrowSchema(this.places.map((place) => this.#plain.fields[place]!));
  }

  /** Places of the columns that are read. */
  get places(): readonly number[] {
    return this.#projection.filePlaces;
  }

  /** A batch of the given schema in the Arrow form of the table's. */
  project(batch: RecordBatch): RecordBatch {
    const columns = this.places.map((place) => batch.data.children[place]!);
    const needed = makeBatch(this.#needed, columns, { length: batch.numRows });
    return this.#projection.project(needed, { firstPosition: 0 });
  }
}

/** What a row lacks it gets as it is written, not as it is read. */
function withWriteDefault(field: NestedField): NestedField {
  return { ...field, type: withWriteDefaults(field.type), initialDefault: field.writeDefault };
}

function withWriteDefaults(type: Type): Type {
  switch (type.kind) {
    case "struct":
      return { ...type, fields: type.fields.map(withWriteDefault) };
    case "list":
      return { ...type, element: withWriteDefaults(type.element) };
    case "map":
      return { ...type, value: withWriteDefaults(type.value) };
    default:
      return type;
  }
}

interface NamePlace {
  /** Full name of what is looked at; empty at the top. */
  readonly path: string;
  readonly faultOf: NameProjectionOptions["faultOf"];
}

/** Every column must be one of the table's, and every required one must be there. */
function checkNames(
  given: readonly Field[],
  wanted: readonly NestedField[],
  { path, faultOf }: NamePlace,
): void {
  const at = (name: string) => path === "" ? name : `${path}.${name}`;
  const names = new Set<string>();
  for (const { name, type } of given) {
    const field = wanted.find((one) => one.name === name);
    if (field === undefined) throw faultOf(at(name))("the table has no such column", null);
    if (names.has(name)) throw faultOf(at(name))("it is there twice", null);
    names.add(name);
    checkNested(type, field.type, { path: at(name), faultOf });
  }
  for (const { name, required, writeDefault } of wanted) {
    if (!required || names.has(name) || writeDefault !== undefined) continue;
    throw faultOf(at(name))("it is required, and missing", null);
  }
}

function checkNested(given: DataType, wanted: Type, place: NamePlace): void {
  const below = (name: string) => ({ ...place, path: `${place.path}.${name}` });
  const [child]: readonly Field[] = given.children ?? [];
  if (wanted.kind === "struct" && DataType.isStruct(given)) {
    checkNames(given.children, wanted.fields, place);
  } else if (wanted.kind === "list" && child !== undefined) {
    checkNested(child.type, wanted.element, below("element"));
  } else if (wanted.kind === "map" && child !== undefined) {
    const [key, value]: readonly Field[] = child.type.children ?? [];
    if (key !== undefined) checkNested(key.type, wanted.key, below("key"));
    if (value !== undefined) checkNested(value.type, wanted.value, below("value"));
  }
}

function mapped(field: NestedField): MappedField {
  return { fieldId: field.id, names: [field.name], fields: mappedChildren(field.type) };
}

function mappedChildren(type: Type): readonly MappedField[] {
  const member = (fieldId: number, name: string, child: Type): MappedField => ({
    fieldId,
    names: [name],
    fields: mappedChildren(child),
  });
  switch (type.kind) {
    case "struct":
      return type.fields.map(mapped);
    case "list":
      return [member(type.elementId, "element", type.element)];
    case "map":
      return [member(type.keyId, "key", type.key), member(type.valueId, "value", type.value)];
    default:
      return [];
  }
}

/** The field without its metadata, at every depth. */
function withoutIds(field: Field): Field {
  const { type } = field;
  const children: readonly Field[] = type.children ?? [];
  if (children.length === 0) return new Field(field.name, type, field.nullable);
  // A nested type is its children: a copy that has the bare ones in their place.
  const copy: DataType = Object.create(
    Object.getPrototypeOf(type),
    Object.getOwnPropertyDescriptors(type),
  );
  Object.defineProperty(copy, "children", { value: children.map(withoutIds) });
  return new Field(field.name, copy, field.nullable);
}
