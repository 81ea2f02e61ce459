/**
 * Types as the API shows them: Spark SQL's names in lower case, so that what is shown can be sent
 * back and means the same. Decision 0015 says why.
 */
import { formatPrimitiveType } from "../spec/format_type.ts";
import type { NestedField, Type } from "../spec/types.ts";
import { quoteName } from "./column_name.ts";

/**
 * The text that `parseSqlType` reads: `bigint`, `timestamp` (with zone), `timestamp_ntz` (without),
 * `array<int>`, `map<string,bigint>`, `struct<a:int not null>`. Types that Spark has no name for keep
 * Iceberg's: `time`, `uuid`, `fixed(16)`, `timestamp_ns`, `timestamptz_ns`, `geometry`, `unknown`.
 */
export function formatSqlType(type: Type): string {
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
      return `array<${member(type.element, type.elementRequired)}>`;
    case "map":
      return `map<${formatSqlType(type.key)},${member(type.value, type.valueRequired)}>`;
    case "struct":
      return `struct<${type.fields.map(structField).join(",")}>`;
    default:
      return formatPrimitiveType(type);
  }
}

function structField({ name, type, required, doc }: NestedField): string {
  const comment = doc === null ? "" : ` comment ${quoteText(doc)}`;
  return `${quoteName(name)}:${member(type, required)}${comment}`;
}

function member(type: Type, required: boolean): string {
  return required ? `${formatSqlType(type)} not null` : formatSqlType(type);
}

function quoteText(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
