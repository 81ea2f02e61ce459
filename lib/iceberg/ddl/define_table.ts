/** A table to create, from the texts that clients write. */
import { AppError, type FieldIssue } from "../../errors.ts";
import { isReservedProperty } from "../commit/reserved_properties.ts";
import { assignFreshFieldIds } from "../evolve/assign_fresh_ids.ts";
import { findAlike, nameProblem, typeProblem } from "../evolve/column_rules.ts";
import type { PartitionSpec } from "../spec/partition_spec.ts";
import { Schema } from "../spec/schema.ts";
import type { SortOrder } from "../spec/sort_order.ts";
import type { FormatVersion } from "../spec/table_metadata.ts";
import type { IcebergValue, NestedField, Type } from "../spec/types.ts";
import { type DefaultText, parseDefault } from "./column_default.ts";
import { identifierFieldIds } from "./identifier_columns.ts";
import { parsePartitionFields } from "./parse_partition_fields.ts";
import { parseSortFields } from "./parse_sort_order.ts";
import { parseSqlType } from "./parse_sql_type.ts";
import { propertyIssues } from "./table_property_rules.ts";

/** A column to create. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly comment: string | null;
  /** v3: the value of rows whose writers leave the column out. */
  readonly default: DefaultText | null;
}

/** What {@linkcode defineTable} makes a table of; members are called as requests call them. */
export interface TableTexts {
  readonly schema: readonly ColumnDefinition[];
  readonly partition_by: readonly string[];
  readonly sort_order: readonly string[];
  readonly identifier_columns: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly format_version: FormatVersion;
}

/** The parts of a new table, with field ids as its first metadata will have them. */
export interface DefinedTable {
  readonly schema: Schema;
  readonly spec: PartitionSpec;
  readonly sortOrder: SortOrder;
  readonly properties: Readonly<Record<string, string>>;
  readonly formatVersion: FormatVersion;
}

/**
 * What the reference implementation sets on new tables only: zstd, where the default of the format
 * is gzip.
 */
const NEW_TABLE_PROPERTIES = { "write.parquet.compression-codec": "zstd" } as const;

/**
 * Checks and parses a definition. What is wrong is `invalid`, code `table_definition_invalid`, with
 * an issue for each field: `schema.0.type`, `partition_by.1`, `properties.uuid`.
 */
export function defineTable(texts: TableTexts): DefinedTable {
  const issues: FieldIssue[] = [];
  const columns = parseColumns(texts, issues);
  const { properties, format_version: formatVersion } = texts;
  for (const key of Object.keys(properties)) {
    if (isReservedProperty(key)) issues.push(reservedIssue(key));
  }
  issues.push(...propertyIssues(properties, columns));
  // Partition fields and sort keys would only repeat what is wrong with their columns.
  if (issues.length > 0) throw definitionInvalid(issues);
  const collect = <T>(path: string, parse: () => T) => collectIssue(issues, path, parse);
  const spec = parseList(texts.partition_by, (list) => parsePartitionFields(list, columns), {
    path: "partition_by",
    issues,
  });
  const fields = parseList(texts.sort_order, (list) => parseSortFields(list, columns), {
    path: "sort_order",
    issues,
  });
  const ids = collect(
    "identifier_columns",
    () => identifierFieldIds(columns, texts.identifier_columns),
  );
  if (spec === null || fields === null || ids === null) throw definitionInvalid(issues);
  return {
    schema: new Schema({ schemaId: 0, fields: columns.fields, identifierFieldIds: ids }),
    spec,
    sortOrder: { orderId: fields.length === 0 ? 0 : 1, fields },
    properties: { ...NEW_TABLE_PROPERTIES, ...properties },
    formatVersion,
  };
}

function parseColumns({ schema, format_version: version }: TableTexts, issues: FieldIssue[]) {
  const fields: NestedField[] = [];
  schema.forEach((column, index) => {
    const at = (part: string) => `schema.${index}.${part}`;
    const { name, nullable, comment } = column;
    const alike = findAlike(fields, name);
    const wrongName = nameProblem(name, { topLevel: true }) ??
      (alike === undefined ? null : `there is another column "${alike.name}"`);
    if (wrongName !== null) {
      issues.push({ path: at("name"), message: `Cannot name a column so: ${wrongName}` });
    }
    const type = collectIssue(issues, at("type"), () => parseSqlType(column.type));
    if (type === null) return;
    const wrongType = typeProblem(type, { name, version, required: !nullable });
    if (wrongType !== null) {
      issues.push({ path: at("type"), message: `Cannot use the type: ${wrongType}` });
    }
    const writeDefault = collectIssue(
      issues,
      at("default"),
      () => defaultOf(column, { type, version }),
    );
    fields.push({
      id: 0,
      name,
      required: !nullable,
      type,
      doc: comment,
      initialDefault: undefined,
      writeDefault: writeDefault ?? undefined,
    });
  });
  let lastId = 0;
  const numbered = assignFreshFieldIds(fields, () => ++lastId);
  return new Schema({ schemaId: 0, fields: numbered, identifierFieldIds: [] });
}

/** No row is older than the table: it needs no initial default (spec "Default values"). */
function defaultOf(
  column: ColumnDefinition,
  { type, version }: { readonly type: Type; readonly version: FormatVersion },
): IcebergValue {
  if (column.default === null) return null;
  if (version >= 3) return parseDefault(type, column.default);
  const message = `Cannot give a column a default in format version ${version}: that takes 3`;
  throw new AppError("invalid", "default_needs_v3", message);
}

/** Parses a list as a whole, and where that fails element by element, to say which is wrong. */
function parseList<T>(
  texts: readonly string[],
  parse: (texts: readonly string[]) => T,
  { path, issues }: { readonly path: string; readonly issues: FieldIssue[] },
): T | null {
  const before = issues.length;
  texts.forEach((text, index) => collectIssue(issues, `${path}.${index}`, () => parse([text])));
  return issues.length > before ? null : collectIssue(issues, path, () => parse(texts));
}

function collectIssue<T>(issues: FieldIssue[], path: string, parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    issues.push({ path, message: error.message });
    return null;
  }
}

function reservedIssue(key: string): FieldIssue {
  const remedy = key === "format-version" ? "set format_version instead" : "leave it out";
  return { path: `properties.${key}`, message: `Cannot set a reserved property: ${remedy}` };
}

function definitionInvalid(issues: readonly FieldIssue[]): AppError {
  const [first] = issues;
  const why = issues.length === 1 ? first?.message ?? "" : `${issues.length} fields are wrong`;
  const message = `Cannot create the table: its definition is not valid: ${why}`;
  return new AppError("invalid", "table_definition_invalid", message, { issues });
}
