/**
 * Types of results. The engine knows types that Arrow and Iceberg do not; a query whose columns have
 * one is wrapped in casts, so that what comes out is always a type of Iceberg's.
 */
import {
  DataType,
  type Field,
  type Schema as ArrowSchema,
  TimeUnit,
  Type as ArrowType,
} from "apache-arrow";
import { formatSqlType } from "../iceberg/ddl/format_sql_type.ts";
import type { NestedField, Type } from "../iceberg/spec/types.ts";
import { quoteName } from "./text/quote_name.ts";

/** A column of a result. */
export interface ResultColumn {
  readonly name: string;
  /** As `GET …/schema` names types. */
  readonly type: string;
}

/** A column as the engine's DESCRIBE shows it. */
export interface DescribedColumn {
  readonly name: string;
  readonly type: string;
}

/** The columns of a query, and which of them are timestamps with a zone. */
export interface ResultShape {
  readonly columns: readonly DescribedColumn[];
  readonly zoned: ReadonlySet<number>;
}

/** Engine types without an Iceberg equal, and the ones they are cast to. */
const CASTS: Readonly<Record<string, string>> = {
  // The engine's export of booleans is broken; a TINYINT leaves it as one (`lib/columnar/duckdb`).
  BOOLEAN: "TINYINT",
  TINYINT: "INTEGER",
  SMALLINT: "INTEGER",
  UTINYINT: "INTEGER",
  USMALLINT: "INTEGER",
  UINTEGER: "BIGINT",
  UBIGINT: "DECIMAL(20, 0)",
  HUGEINT: "DECIMAL(38, 0)",
  UHUGEINT: "VARCHAR",
  BIGNUM: "VARCHAR",
  VARINT: "VARCHAR",
  BIT: "VARCHAR",
  INTERVAL: "VARCHAR",
  TIMESTAMP_S: "TIMESTAMP",
  TIMESTAMP_MS: "TIMESTAMP",
  '"NULL"': "INTEGER",
};
const ODD_TYPE = /^(?:ENUM|UNION)\(|TIME WITH TIME ZONE/;

/**
 * The query with casts around it where a column needs one; the columns' order is kept. The engine makes
 * dates of timestamps that it truncates, but not of those with a zone: these stay timestamps.
 */
export function withPortableTypes(
  sql: string,
  { columns, zoned }: ResultShape,
): string {
  const names = uniqueNames(columns.map(({ name }) => name));
  const wanted = columns.map(({ type }, i) =>
    type === "DATE" && zoned.has(i) ? "TIMESTAMP" : portableType(type)
  );
  if (columns.every(({ type }, i) => type === wanted[i])) return sql;
  const casts = wanted.map((type, i) => `#${i + 1}::${type} AS ${quoteName(names[i] ?? "")}`);
  return `SELECT ${casts.join(", ")} FROM (\n${sql}\n)`;
}

/** Names made different by a number, as the engine does where it has to. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let n = 1; seen.has(unique); n++) {
      const candidate = `${name}_${n}`;
      unique = taken.has(candidate) ? name : candidate;
    }
    seen.add(unique);
    return unique;
  });
}

/** The columns of a result as clients see them. */
export function resultColumns(schema: ArrowSchema): readonly ResultColumn[] {
  const names = uniqueNames(schema.fields.map(({ name }) => name));
  return schema.fields.map((field, i) => ({
    name: names[i] ?? field.name,
    type: formatSqlType(resultType(field)),
  }));
}

/** The Iceberg type of a column of a result; ids are all 0. */
export function resultType(field: Field): Type {
  const { type } = field;
  if (DataType.isBool(type)) return { kind: "boolean" };
  if (DataType.isInt(type)) return { kind: type.bitWidth === 64 ? "long" : "int" };
  if (DataType.isFloat(type)) return { kind: type.precision === 2 ? "double" : "float" };
  if (DataType.isDecimal(type)) {
    return { kind: "decimal", precision: type.precision, scale: type.scale };
  }
  if (DataType.isDate(type)) return { kind: "date" };
  if (DataType.isTime(type)) return { kind: "time" };
  if (DataType.isTimestamp(type)) {
    const zoned = type.timezone !== null && type.timezone !== undefined;
    const nanos = type.unit === TimeUnit.NANOSECOND;
    return { kind: `timestamp${zoned ? "tz" : ""}${nanos ? "_ns" : ""}` };
  }
  if (DataType.isUtf8(type)) return { kind: "string" };
  if (DataType.isBinary(type)) return { kind: "binary" };
  if (DataType.isFixedSizeBinary(type)) {
    const uuid = field.metadata.get("ARROW:extension:name") === "arrow.uuid";
    return uuid ? { kind: "uuid" } : { kind: "fixed", length: type.byteWidth };
  }
  if (DataType.isNull(type)) return { kind: "unknown" };
  return nestedType(type);
}

function nestedType(type: DataType): Type {
  const children: readonly Field[] = type.children ?? [];
  const [first] = children;
  if (type.typeId === ArrowType.Struct) {
    return { kind: "struct", fields: children.map(nestedField) };
  }
  if (type.typeId === ArrowType.List && first !== undefined) {
    const element = resultType(first);
    return { kind: "list", elementId: 0, elementRequired: false, element };
  }
  const [key, value]: readonly Field[] = first?.type.children ?? [];
  if (type.typeId === ArrowType.Map && key !== undefined && value !== undefined) {
    return {
      kind: "map",
      keyId: 0,
      key: resultType(key),
      valueId: 0,
      valueRequired: false,
      value: resultType(value),
    };
  }
  throw new TypeError(`Cannot show a result of Arrow type ${type}`);
}

function nestedField(field: Field): NestedField {
  return {
    id: 0,
    name: field.name,
    required: false,
    type: resultType(field),
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

function portableType(type: string): string {
  if (ODD_TYPE.test(type)) return "VARCHAR";
  // Type names inside a nested type; quoted names of fields are left alone.
  return type.replaceAll(
    /"(?:[^"]|"")*"|\[\d+\]|\b[A-Z_]+\b/g,
    (word) => /^\[\d+\]$/.test(word) ? "[]" : CASTS[word] ?? word,
  );
}
