/**
 * Types as Spark SQL names them, which is how clients write them. Iceberg's own names are taken too
 * where Spark has none; where the two disagree Spark's meaning wins: `TIMESTAMP` has a zone.
 */
import type { NestedField, SimpleTypeName, Type } from "../spec/types.ts";
import { DdlCursor, MAX_INT } from "./_cursor.ts";
import { describeToken } from "./_tokens.ts";

/** Nested types in one text; schemas are read with a bound of 64. */
const MAX_TYPE_DEPTH = 60;
const MAX_PRECISION = 38;
/** `DECIMAL` without parameters, as in Spark. */
const DEFAULT_DECIMAL = { kind: "decimal", precision: 10, scale: 0 } as const;

/** Names without parameters, upper-case, and what they mean in Iceberg. */
const SIMPLE: Readonly<Record<string, SimpleTypeName>> = {
  BOOLEAN: "boolean",
  BYTE: "int",
  TINYINT: "int",
  SHORT: "int",
  SMALLINT: "int",
  INT: "int",
  INTEGER: "int",
  LONG: "long",
  BIGINT: "long",
  FLOAT: "float",
  REAL: "float",
  DOUBLE: "double",
  DATE: "date",
  TIME: "time",
  TIMESTAMP: "timestamptz",
  TIMESTAMP_LTZ: "timestamptz",
  TIMESTAMPTZ: "timestamptz",
  TIMESTAMP_NTZ: "timestamp",
  TIMESTAMP_NS: "timestamp_ns",
  TIMESTAMPTZ_NS: "timestamptz_ns",
  STRING: "string",
  UUID: "uuid",
  BINARY: "binary",
  VARIANT: "variant",
  VOID: "unknown",
  UNKNOWN: "unknown",
};
/** Characters with a length that Iceberg does not keep. */
const TEXTS: ReadonlySet<string> = new Set(["CHAR", "CHARACTER", "VARCHAR"]);
const DECIMALS: ReadonlySet<string> = new Set(["DECIMAL", "DEC", "NUMERIC"]);
const KNOWN =
  "boolean, int, bigint, float, double, decimal(p,s), date, time, timestamp, timestamp_ntz, string, " +
  "binary, uuid, fixed(n), array<…>, map<…,…> or struct<name: type, …>";

/**
 * A type from its text, in any case. Field ids inside it are provisional, from 1: pass the type
 * through `assignFreshIds` before it goes into a schema.
 *
 * Beyond Spark's grammar, `NOT NULL` may follow the element of an array and the value of a map, as
 * Iceberg can require those. Throws `invalid` (code `type_syntax`) with position and remedy.
 */
export function parseSqlType(text: string): Type {
  const cursor = new DdlCursor({ what: "type", code: "type_syntax", text });
  const reader = new TypeReader(cursor);
  const type = reader.type(0);
  cursor.expectEnd();
  return type;
}

/** Reads one type; ids are counted over the whole text. */
class TypeReader {
  readonly #cursor: DdlCursor;
  #lastId = 0;

  constructor(cursor: DdlCursor) {
    this.#cursor = cursor;
  }

  type(depth: number): Type {
    const cursor = this.#cursor;
    const word = cursor.name("a type");
    if (depth > MAX_TYPE_DEPTH) {
      throw cursor.fail(word.at, `types are nested deeper than ${MAX_TYPE_DEPTH}`);
    }
    const name = word.quoted ? "" : word.text.toUpperCase();
    if (name === "ARRAY" || name === "LIST") return this.#array(depth);
    if (name === "MAP") return this.#map(depth);
    if (name === "STRUCT") return this.#struct(depth);
    if (DECIMALS.has(name)) return this.#decimal();
    if (name === "FIXED") return this.#fixed();
    if (name === "GEOMETRY" || name === "GEOGRAPHY") return this.#geo(name);
    if (TEXTS.has(name)) return this.#text();
    const kind = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
    if (kind !== undefined) return { kind };
    const why = name === "INTERVAL"
      ? "Iceberg has no type for intervals, use bigint"
      : `${describeToken(word)} is no type, use ${KNOWN}`;
    throw cursor.fail(word.at, why);
  }

  #array(depth: number): Type {
    this.#cursor.expectSymbol("<");
    const elementId = ++this.#lastId;
    const element = this.type(depth + 1);
    const elementRequired = this.#notNull();
    this.#cursor.expectSymbol(">");
    return { kind: "list", elementId, elementRequired, element };
  }

  #map(depth: number): Type {
    this.#cursor.expectSymbol("<");
    const [keyId, valueId] = [++this.#lastId, ++this.#lastId];
    const key = this.type(depth + 1);
    // A key is never null, and may say so.
    this.#notNull();
    this.#cursor.expectSymbol(",");
    const value = this.type(depth + 1);
    const valueRequired = this.#notNull();
    this.#cursor.expectSymbol(">");
    return { kind: "map", keyId, key, valueId, valueRequired, value };
  }

  #struct(depth: number): Type {
    const cursor = this.#cursor;
    cursor.expectSymbol("<");
    const fields: NestedField[] = [];
    const names = new Set<string>();
    do {
      const at = cursor.peek().at;
      const field = this.#field(depth);
      const folded = field.name.toLowerCase();
      if (names.has(folded)) {
        throw cursor.fail(at, `the struct has another field "${field.name}", in some case`);
      }
      names.add(folded);
      fields.push(field);
    } while (cursor.takeSymbol(","));
    cursor.expectSymbol(">");
    return { kind: "struct", fields };
  }

  #field(depth: number): NestedField {
    const cursor = this.#cursor;
    const name = cursor.name("a field name").text;
    const id = ++this.#lastId;
    cursor.takeSymbol(":");
    const type = this.type(depth + 1);
    const required = this.#notNull();
    const doc = this.#comment();
    return { id, name, required, type, doc, initialDefault: undefined, writeDefault: undefined };
  }

  #notNull(): boolean {
    if (!this.#cursor.takeWord("NOT")) return false;
    this.#cursor.expectWord("NULL");
    return true;
  }

  #comment(): string | null {
    const cursor = this.#cursor;
    if (!cursor.takeWord("COMMENT")) return null;
    const token = cursor.take();
    if (token.kind === "string") return token.text;
    throw cursor.fail(token.at, `a comment is a 'string', not ${describeToken(token)}`);
  }

  #decimal(): Type {
    const cursor = this.#cursor;
    if (!cursor.takeSymbol("(")) return DEFAULT_DECIMAL;
    const precision = cursor.integer("the precision of a decimal", { min: 1, max: MAX_PRECISION });
    const scale = cursor.takeSymbol(",")
      ? cursor.integer("the scale of a decimal", { min: 0, max: precision })
      : 0;
    cursor.expectSymbol(")");
    return { kind: "decimal", precision, scale };
  }

  #fixed(): Type {
    const cursor = this.#cursor;
    const close = cursor.takeSymbol("[") ? "]" : ")";
    if (close === ")") cursor.expectSymbol("(");
    const length = cursor.integer("the length of a fixed", { min: 1, max: MAX_INT });
    cursor.expectSymbol(close);
    return { kind: "fixed", length };
  }

  #text(): Type {
    const cursor = this.#cursor;
    if (cursor.takeSymbol("(")) {
      cursor.integer("the length of characters", { min: 1, max: MAX_INT });
      cursor.expectSymbol(")");
    }
    return { kind: "string" };
  }

  /** `geometry(srid:4326)`, `geography(OGC:CRS84, spherical)`: what is in parentheses is no word. */
  #geo(name: "GEOMETRY" | "GEOGRAPHY"): Type {
    const cursor = this.#cursor;
    let crs: string | null = null;
    let algorithm: string | null = null;
    if (cursor.takeSymbol("(")) {
      crs = cursor.rawUntil([",", ")"]) || null;
      if (name === "GEOGRAPHY" && cursor.takeSymbol(",")) {
        algorithm = cursor.name("an algorithm").text;
      }
      cursor.expectSymbol(")");
    }
    return name === "GEOMETRY" ? { kind: "geometry", crs } : { kind: "geography", crs, algorithm };
  }
}
