/** Parses the text of an Avro writer schema into {@linkcode AvroType}, within bounds. */
import { AppError, corruptData, displayPath } from "../../errors.ts";
import { type JsonArray, type JsonObject, type JsonValue, parseJson } from "../../json.ts";
import { MAX_SCHEMA_CHARS, MAX_SCHEMA_DEPTH, MAX_SCHEMA_NODES } from "./limits.ts";
import type { AvroField, AvroLogicalType, AvroPrimitiveName, AvroType } from "./schema.ts";

const MIN_BYTES: Readonly<Record<AvroPrimitiveName, number>> = {
  null: 0,
  boolean: 1,
  int: 1,
  long: 1,
  float: 4,
  double: 8,
  bytes: 1,
  string: 1,
};
const LOGICAL_NAMES = [
  "date",
  "time-millis",
  "time-micros",
  "timestamp-millis",
  "timestamp-micros",
  "timestamp-nanos",
  "uuid",
] as const;

/** A fixed or bytes decimal can be this wide at most; Iceberg's widest takes 16 bytes. */
const MAX_DECIMAL_PRECISION = 1_000;

/** JSON levels per level of types: an object, its field list, a field, that field's type. */
const MAX_JSON_NESTING = 4 * (MAX_SCHEMA_DEPTH + 1);

/** Largest `fixed` that a schema may declare, in bytes. */
const MAX_FIXED_BYTES = 64 * 1024 * 1024;

/** Longest detail of an error, in characters: it may quote names, which may be megabytes. */
const MAX_DETAIL_CHARS = 240;

/** Where {@linkcode parseAvroSchema}'s text comes from, for messages. */
export interface ParseAvroSchemaOptions {
  readonly location: string;
}

/** Parses `text`; throws `corrupt_data` with code `avro_schema_invalid`. */
export function parseAvroSchema(text: string, options: ParseAvroSchemaOptions): AvroType {
  const parser: SchemaParser = new SchemaParser(options.location);
  if (text.length > MAX_SCHEMA_CHARS) parser.fail(`it is longer than ${MAX_SCHEMA_CHARS}`);
  let json: JsonValue;
  try {
    json = parseJson(text, { maxDepth: MAX_JSON_NESTING });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    parser.fail("it is not JSON, or nests too deep");
  }
  return parser.parse(json, "", 0);
}

class SchemaParser {
  readonly #location: string;
  /** Named types by full name; null while a type's own definition is being read. */
  readonly #named = new Map<string, AvroType | null>();

  constructor(location: string) {
    this.#location = location;
  }

  fail(detail: string): never {
    throw corruptData(
      "avro_schema_invalid",
      `Cannot read the Avro schema of "${displayPath(this.#location)}": ` +
        detail.slice(0, MAX_DETAIL_CHARS),
      { context: { location: this.#location } },
    );
  }

  parse(json: JsonValue | undefined, namespace: string, depth: number): AvroType {
    if (depth > MAX_SCHEMA_DEPTH) this.fail(`types nest deeper than ${MAX_SCHEMA_DEPTH}`);
    const type = this.#parseAny(json, namespace, depth);
    if (type.nodes > MAX_SCHEMA_NODES) this.fail(`it has more than ${MAX_SCHEMA_NODES} types`);
    return type;
  }

  #parseAny(json: JsonValue | undefined, namespace: string, depth: number): AvroType {
    if (typeof json === "string") return this.#byName(json, namespace);
    if (isArray(json)) return this.#union(json, namespace, depth);
    if (!isObject(json)) this.fail("a type is neither a name, a list nor an object");
    const { type } = json;
    switch (type) {
      case "record":
      case "error":
        return this.#record(json, namespace, depth);
      case "array":
        return this.#array(json, namespace, depth);
      case "map":
        return this.#map(json, namespace, depth);
      case "fixed":
        return this.#fixed(json, namespace);
      case "enum":
        return this.#enum(json, namespace);
    }
    if (typeof type === "string" && Object.hasOwn(MIN_BYTES, type)) {
      return primitive(type as AvroPrimitiveName, logicalType(json));
    }
    // {"type": {...}}: a wrapper without meaning of its own, which some writers produce.
    return this.parse(type, namespace, depth + 1);
  }

  #byName(name: string, namespace: string): AvroType {
    if (Object.hasOwn(MIN_BYTES, name)) return primitive(name as AvroPrimitiveName, null);
    const named = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (named === undefined) {
      if (this.#named.has(fullName(name, namespace))) this.fail(`type "${name}" contains itself`);
      this.fail(`type "${name}" is not defined`);
    }
    if (named === null) this.fail(`type "${name}" contains itself`);
    return named;
  }

  #union(json: JsonArray, namespace: string, depth: number): AvroType {
    if (json.length === 0) this.fail("a union has no branches");
    if (json.length > MAX_SCHEMA_NODES) this.fail(`it has more than ${MAX_SCHEMA_NODES} types`);
    const branches = json.map((branch) => this.parse(branch, namespace, depth + 1));
    return {
      kind: "union",
      branches,
      minBytes: 1 + branches.reduce((least, { minBytes }) => Math.min(least, minBytes), Infinity),
      freeSteps: branches.reduce((most, { freeSteps }) => Math.max(most, freeSteps), 0),
      nodes: 1 + sum(branches, "nodes"),
    };
  }

  #record(json: JsonObject, namespace: string, depth: number): AvroType {
    const name = this.#define(json, namespace);
    const inner = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
    if (!isArray(json.fields)) this.fail(`record "${name}" has no fields`);
    const fields: AvroField[] = [];
    let nodes = 1;
    for (const field of json.fields) {
      if (!isObject(field) || typeof field.name !== "string") {
        this.fail(`a field of record "${name}" has no name`);
      }
      const type = this.parse(field.type, inner, depth + 1);
      fields.push({ name: field.name, fieldId: this.#fieldId(field), type });
      // Checked here as well, so that a wide record of wide records stops early.
      if ((nodes += type.nodes) > MAX_SCHEMA_NODES) {
        this.fail(`it has more than ${MAX_SCHEMA_NODES} types`);
      }
    }
    const types = fields.map((field) => field.type);
    const type: AvroType = {
      kind: "record",
      name,
      fields,
      minBytes: sum(types, "minBytes"),
      freeSteps: 1 + sum(types, "freeSteps"),
      nodes,
    };
    this.#named.set(name, type);
    return type;
  }

  #array(json: JsonObject, namespace: string, depth: number): AvroType {
    const items = this.parse(json.items, namespace, depth + 1);
    const isMap = json.logicalType === "map" && items.kind === "record" &&
      items.fields.length === 2;
    return { kind: "array", items, isMap, minBytes: 1, freeSteps: 0, nodes: 1 + items.nodes };
  }

  #map(json: JsonObject, namespace: string, depth: number): AvroType {
    const values = this.parse(json.values, namespace, depth + 1);
    return { kind: "map", values, minBytes: 1, freeSteps: 0, nodes: 1 + values.nodes };
  }

  #fixed(json: JsonObject, namespace: string): AvroType {
    const name = this.#define(json, namespace);
    const { size } = json;
    if (!isCount(size) || size > MAX_FIXED_BYTES) this.fail(`fixed "${name}" has no valid size`);
    const type: AvroType = {
      kind: "fixed",
      size,
      logical: logicalType(json),
      minBytes: size,
      freeSteps: size === 0 ? 1 : 0,
      nodes: 1,
    };
    this.#named.set(name, type);
    return type;
  }

  #enum(json: JsonObject, namespace: string): AvroType {
    const name = this.#define(json, namespace);
    const { symbols } = json;
    if (!isArray(symbols) || !symbols.every((symbol) => typeof symbol === "string")) {
      this.fail(`enum "${name}" has no symbols`);
    }
    const type: AvroType = { kind: "enum", symbols, minBytes: 1, freeSteps: 0, nodes: 1 };
    this.#named.set(name, type);
    return type;
  }

  /** Claims the full name of a named type; until its definition ends, naming it is recursion. */
  #define(json: JsonObject, namespace: string): string {
    if (typeof json.name !== "string") this.fail("a named type has no name");
    const own = typeof json.namespace === "string" ? json.namespace : namespace;
    const name = fullName(json.name, own);
    // Writers of old Iceberg releases repeat a definition instead of naming it: the last one wins.
    if (this.#named.get(name) === null) this.fail(`type "${name}" contains itself`);
    this.#named.set(name, null);
    return name;
  }

  #fieldId(field: JsonObject): number | null {
    const id = field["field-id"];
    if (id === undefined) return null;
    if (!isCount(id)) this.fail(`field "${field.name}" has an invalid field-id`);
    return id;
  }
}

function primitive(kind: AvroPrimitiveName, logical: AvroLogicalType | null): AvroType {
  return { kind, logical, minBytes: MIN_BYTES[kind], freeSteps: kind === "null" ? 1 : 0, nodes: 1 };
}

/** The logical type where it fits what it annotates; otherwise null, as Avro's specification asks. */
function logicalType(json: JsonObject): AvroLogicalType | null {
  const { type, logicalType: name } = json;
  if (name === "decimal") {
    const { precision } = json;
    const scale = json.scale ?? 0;
    const valid = (type === "bytes" || type === "fixed") && isCount(precision) && precision > 0 &&
      precision <= MAX_DECIMAL_PRECISION && isCount(scale) && scale <= precision;
    return valid ? { kind: "decimal", precision, scale } : null;
  }
  // The local forms differ from the others only in what their zone means, not in their bytes.
  const plain = typeof name === "string" ? name.replace(/^local-/, "") : name;
  const kind = LOGICAL_NAMES.find((known) => known === plain);
  if (kind === undefined) return null;
  const base = kind === "date" || kind === "time-millis" ? "int" : "long";
  const fits = kind === "uuid"
    ? type === "string" || (type === "fixed" && json.size === 16)
    : type === base;
  return fits ? { kind } : null;
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}

function isArray(json: JsonValue | undefined): json is JsonArray {
  return Array.isArray(json);
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function sum(types: readonly AvroType[], key: "minBytes" | "freeSteps" | "nodes"): number {
  return types.reduce((total, type) => total + type[key], 0);
}
