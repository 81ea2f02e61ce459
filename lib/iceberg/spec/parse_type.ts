/** Types from the JSON of metadata (spec Appendix C, "Schemas"). */
import { AppError } from "../../errors.ts";
import type { JsonValue } from "../../json.ts";
import {
  MAX_FIELD_ID,
  MAX_FULL_NAME_CHARS,
  MAX_NAME_LENGTH,
  MAX_SCHEMA_FIELDS,
  MAX_TYPE_DEPTH,
} from "./_wire/limits.ts";
import {
  describe,
  isObject,
  readWire,
  WireObject,
  type WirePath,
  WireProblem,
} from "./_wire/reader.ts";
import type {
  IcebergValue,
  ListType,
  MapType,
  NestedField,
  PrimitiveType,
  SimpleTypeName,
  StructType,
  Type,
} from "./types.ts";
import { valueFromJson } from "./values.ts";

const SIMPLE: ReadonlySet<string> = new Set<SimpleTypeName>([
  "unknown",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "date",
  "time",
  "timestamp",
  "timestamptz",
  "timestamp_ns",
  "timestamptz_ns",
  "string",
  "uuid",
  "binary",
  "variant",
]);
const MAX_PRECISION = 38;
const MAX_FIXED_LENGTH = 2 ** 31 - 1;
/** Longest type string that is looked at; only a CRS makes one long. */
const MAX_TYPE_TEXT = 1_000;
const FIELD_KEYS: ReadonlySet<string> = new Set([
  "id",
  "name",
  "required",
  "type",
  "doc",
  "initial-default",
  "write-default",
]);

/**
 * A type without nested fields from its text, null where it is none. Names in any case and optional
 * white space around parameters, as Java reads them: `decimal(9, 2)`, `fixed[16]`,
 * `geography(srid:4326, spherical)`.
 */
export function parsePrimitiveType(text: string): PrimitiveType | null {
  if (text.length > MAX_TYPE_TEXT) return null;
  const lower = text.trim().toLowerCase();
  if (isSimple(lower)) return { kind: lower };
  const decimal = /^decimal\s*\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(lower);
  if (decimal !== null) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    const valid = precision >= 1 && precision <= MAX_PRECISION && scale <= MAX_PRECISION;
    return valid ? { kind: "decimal", precision, scale } : null;
  }
  const fixed = /^fixed\s*(?:\[\s*(\d{1,10})\s*\]|\(\s*(\d{1,10})\s*\))$/.exec(lower);
  if (fixed !== null) {
    const length = Number(fixed[1] ?? fixed[2]);
    return length <= MAX_FIXED_LENGTH ? { kind: "fixed", length } : null;
  }
  return parseGeoType(text.trim());
}

/**
 * A type from its JSON: a string, or an object for struct, list and map. Throws `corrupt_data` (code
 * `invalid_type`) that names the path of what is wrong.
 */
export function parseType(json: JsonValue): Type {
  return readWire(
    () => readTypeAt(json, null, { budget: new SchemaBudget(), depth: 0, name: "" }),
    {
      code: "invalid_type",
      what: "a type",
    },
  );
}

/** What reading one schema has used up, and the field ids it has seen. */
export class SchemaBudget {
  readonly ids: Set<number> = new Set();
  #nameChars = 0;

  /** Counts a field with this full name; ids must be unique in the whole schema. */
  spend(id: number, fullName: string, path: WirePath | null): void {
    if (id < 0 || id > MAX_FIELD_ID) {
      throw new WireProblem(path, `is ${id}, not 0 to ${MAX_FIELD_ID}`);
    }
    if (this.ids.has(id)) throw new WireProblem(path, `is ${id}, which another field has too`);
    this.ids.add(id);
    if (this.ids.size > MAX_SCHEMA_FIELDS) {
      throw new WireProblem(
        path,
        `is one field too many, at most ${MAX_SCHEMA_FIELDS} are allowed`,
      );
    }
    this.#nameChars += fullName.length;
    if (this.#nameChars > MAX_FULL_NAME_CHARS) {
      throw new WireProblem(
        path,
        `makes the names of the schema longer than ${MAX_FULL_NAME_CHARS}`,
      );
    }
  }
}

/** Where {@linkcode readType} is inside a schema. */
interface TypePlace {
  readonly budget: SchemaBudget;
  readonly depth: number;
  /** Full dotted name of the enclosing field. */
  readonly name: string;
}

/** The fields of a schema's struct, for codecs: throws a `WireProblem`. */
export function readStruct(wire: WireObject, budget: SchemaBudget): StructType {
  return readStructAt(wire, { budget, depth: 1, name: "" });
}

function readTypeAt(json: JsonValue | undefined, path: WirePath | null, place: TypePlace): Type {
  if (typeof json === "string") {
    const type = parsePrimitiveType(json);
    if (type === null) {
      throw new WireProblem(path, `is ${describe(json)}, which is no type of the specification`);
    }
    return type;
  }
  if (!isObject(json)) throw new WireProblem(path, `is ${describe(json)}, not a type`);
  if (place.depth >= MAX_TYPE_DEPTH) {
    throw new WireProblem(path, `is nested deeper than ${MAX_TYPE_DEPTH} types`);
  }
  const object = new WireObject(json, path);
  const inner = { ...place, depth: place.depth + 1 };
  const kind = object.text("type");
  if (kind === "struct") return readStructAt(object, inner);
  if (kind === "list") return readList(object, inner);
  if (kind === "map") return readMap(object, inner);
  throw object.problem("type", `is ${describe(kind)}, not "struct", "list" or "map"`);
}

function readStructAt(object: WireObject, place: TypePlace): StructType {
  const names = new Set<string>();
  const fields = object.objects("fields", MAX_SCHEMA_FIELDS).map((wire) => {
    const field = readField(wire, place);
    if (names.has(field.name)) {
      throw wire.problem("name", `is ${describe(field.name)}, which another field has too`);
    }
    names.add(field.name);
    return field;
  });
  return { kind: "struct", fields };
}

function readField(wire: WireObject, place: TypePlace): NestedField {
  const id = wire.int("id");
  const name = wire.shortText("name", MAX_NAME_LENGTH);
  const fullName = place.name === "" ? name : `${place.name}.${name}`;
  place.budget.spend(id, fullName, wire.at("id"));
  const type = readTypeAt(wire.get("type"), wire.at("type"), { ...place, name: fullName });
  return {
    id,
    name,
    required: wire.boolean("required"),
    type,
    doc: wire.optional("doc", (key) => wire.text(key)),
    initialDefault: readDefault(wire, "initial-default", type),
    writeDefault: readDefault(wire, "write-default", type),
    ...wire.extra(FIELD_KEYS),
  };
}

function readList(wire: WireObject, place: TypePlace): ListType {
  const elementId = wire.int("element-id");
  const name = `${place.name}.element`;
  place.budget.spend(elementId, name, wire.at("element-id"));
  return {
    kind: "list",
    elementId,
    elementRequired: wire.boolean("element-required"),
    element: readTypeAt(wire.get("element"), wire.at("element"), { ...place, name }),
  };
}

function readMap(wire: WireObject, place: TypePlace): MapType {
  const keyId = wire.int("key-id");
  const valueId = wire.int("value-id");
  const [key, value] = [`${place.name}.key`, `${place.name}.value`];
  place.budget.spend(keyId, key, wire.at("key-id"));
  place.budget.spend(valueId, value, wire.at("value-id"));
  return {
    kind: "map",
    keyId,
    key: readTypeAt(wire.get("key"), wire.at("key"), { ...place, name: key }),
    valueId,
    valueRequired: wire.boolean("value-required"),
    value: readTypeAt(wire.get("value"), wire.at("value"), { ...place, name: value }),
  };
}

/** A null default says the same as an absent one (spec "Default values"). */
function readDefault(wire: WireObject, key: string, type: Type): IcebergValue | undefined {
  if (!wire.has(key)) return undefined;
  try {
    return valueFromJson(type, wire.get(key) ?? null);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw wire.problem(key, `is no default of its column: ${error.message}`);
  }
}

/** CRS and algorithm keep their case; what is empty counts as not given. */
function parseGeoType(text: string): PrimitiveType | null {
  const geometry = /^geometry(?:\s*\(([^)]*)\))?$/i.exec(text);
  if (geometry !== null) return { kind: "geometry", crs: geometry[1]?.trim() || null };
  const geography = /^geography(?:\s*\(([^),]*)(?:,\s*(\w*)\s*)?\))?$/i.exec(text);
  if (geography === null) return null;
  return {
    kind: "geography",
    crs: geography[1]?.trim() || null,
    algorithm: geography[2] || null,
  };
}

function isSimple(text: string): text is SimpleTypeName {
  return SIMPLE.has(text);
}
