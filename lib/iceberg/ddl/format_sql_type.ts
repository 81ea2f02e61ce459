/**
 * Types as the API shows them: Spark SQL's names in lower case, so that what is shown can be sent
 * back and means the same. Decision 0015 says why.
 */
import { formatPrimitiveType } from "../spec/format_type.ts";
import type { NestedField, Type } from "../spec/types.ts";
import { quoteName } from "./column_name.ts";

/** Options of {@linkcode formatSqlType}. */
export interface FormatSqlTypeOptions {
  /** Says of nested fields whether they are required, and what their comments are; off by default. */
  readonly full?: boolean;
}

/**
 * The text that `parseSqlType` reads: `bigint`, `timestamp` (with zone), `timestamp_ntz` (without),
 * `array<int>`, `map<string,bigint>`, `struct<a:int>`; in full `struct<a:int not null comment 'x'>`.
 * Types that Spark has no name for keep Iceberg's: `time`, `uuid`, `fixed(16)`, `timestamp_ns`,
 * `timestamptz_ns`, `geometry`, `unknown`.
 */
export function formatSqlType(type: Type, options: FormatSqlTypeOptions = {}): string {
  switch (type.kind) {
    case "long":
      return "bigint";
    case "timestamptz":
      return "timestamp";
    case "timestamp":
      return "timestamp_ntz";
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "fixed":
      return `fixed(${type.length})`;
    case "list":
      return `array<${formatSqlType(type.element, options)}${
        notNull(type.elementRequired, options)
      }>`;
    case "map": {
      const value = `${formatSqlType(type.value, options)}${notNull(type.valueRequired, options)}`;
      return `map<${formatSqlType(type.key, options)},${value}>`;
    }
    case "struct":
      return `struct<${type.fields.map((field) => formatField(field, options)).join(",")}>`;
    default:
      return formatPrimitiveType(type);
  }
}

function formatField(field: NestedField, options: FormatSqlTypeOptions): string {
  const { name, type, required, doc } = field;
  const comment = doc === null || options.full !== true ? "" : ` comment ${quoteText(doc)}`;
  const nullability = notNull(required, options);
  return `${quoteName(name)}:${formatSqlType(type, options)}${nullability}${comment}`;
}

function notNull(required: boolean, { full = false }: FormatSqlTypeOptions): string {
  return required && full ? " not null" : "";
}

function quoteText(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
