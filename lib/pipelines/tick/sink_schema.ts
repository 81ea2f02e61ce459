/** What the sink's schema needs so that it can take the rows of a batch. */
import { AppError } from "../../errors.ts";
import { formatColumnName } from "../../iceberg/ddl/column_name.ts";
import { formatSqlType } from "../../iceberg/ddl/format_sql_type.ts";
import { canPromote } from "../../iceberg/evolve/promotion.ts";
import type { SchemaChange } from "../../iceberg/evolve/schema_change.ts";
import { Schema } from "../../iceberg/spec/schema.ts";
import type { FormatVersion } from "../../iceberg/spec/table_metadata.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";
import type { PipelineOptions } from "../contract/options.ts";
import type { SinkColumn } from "../contract/tick_job.ts";

/** Columns that an error names. */
const MAX_NAMED = 5;

/** Options of {@linkcode sinkChanges}. */
export interface SinkChangesOptions {
  readonly sink: Schema;
  readonly formatVersion: FormatVersion;
  readonly mode: PipelineOptions["schema_changes"];
}

/**
 * The changes of the sink that rows of these columns need; none where they fit. Columns go by name.
 * Errors: `conflict`/`source_schema_changed` (mode `fail`), `invalid`/`sink_column_missing` (the
 * sink requires a column that rows do not have).
 */
export function sinkChanges(
  rows: readonly NestedField[],
  { sink, formatVersion, mode }: SinkChangesOptions,
): readonly SchemaChange[] {
  requireAll(rows, sink);
  const changes = changesOf({ rows, known: sink.fields, path: [], formatVersion });
  if (changes.length === 0 || mode === "evolve") return changes;
  const named = changes.slice(0, MAX_NAMED).map(describe).join(", ");
  const rest = changes.length > MAX_NAMED ? ` and ${changes.length - MAX_NAMED} more` : "";
  const message = `Cannot write to the sink: the rows have ${named}${rest}. Start the pipeline ` +
    "again with schema_changes set to evolve, or name the columns in a transform";
  throw new AppError("conflict", "source_schema_changed", message);
}

/** The columns of a new sink. Whether they are required is for the rows of its first batch to say. */
export function sinkColumns(rows: readonly NestedField[]): readonly SinkColumn[] {
  return rows.map(({ name, type, required, doc }) => ({
    name,
    type: formatSqlType(type, { full: true }),
    nullable: !required,
    comment: doc,
  }));
}

/**
 * Refuses a source whose columns have changed since the stream read it last, where rows go through
 * as they are and changes are to be noticed: a column that was dropped would silently be null.
 */
export function requireSameColumns(before: Schema | undefined, now: Schema): void {
  if (before === undefined) return;
  const shape = (schema: Schema) =>
    schema.fields.map(({ id, name, type }) => `${id} ${name} ${formatSqlType(type)}`);
  const [old, current] = [shape(before), shape(now)];
  const isSame = old.length === current.length && old.every((text) => current.includes(text));
  if (isSame) return;
  const gone = before.fields.filter(({ id }) => now.findById(id) === undefined);
  const what = gone.length > 0
    ? `it has lost ${gone.slice(0, MAX_NAMED).map(({ name }) => `"${name}"`).join(", ")}`
    : "columns were added, renamed or changed their type";
  const message = `Cannot go on: the source's schema has changed, ${what}. Start the pipeline ` +
    "again with schema_changes set to evolve, or name the columns in a transform";
  throw new AppError("conflict", "source_schema_changed", message);
}

interface Level {
  readonly rows: readonly NestedField[];
  readonly known: readonly NestedField[];
  readonly path: readonly string[];
  readonly formatVersion: FormatVersion;
}

function changesOf({ rows, known, path, formatVersion }: Level): readonly SchemaChange[] {
  return rows.flatMap((field): readonly SchemaChange[] => {
    const own = known.find(({ name }) => name === field.name);
    const parts = [...path, field.name];
    const name = formatColumnName(parts);
    if (own === undefined) {
      // Rows that are there already have no value for it.
      return [{ kind: "add", name, type: field.type, required: false, doc: field.doc }];
    }
    if (own.type.kind === "struct" && field.type.kind === "struct") {
      const level = { rows: field.type.fields, known: own.type.fields, path: parts, formatVersion };
      return changesOf(level);
    }
    if (!canPromote(own.type, field.type, formatVersion)) return [];
    return [{ kind: "update", name, type: field.type }];
  });
}

function requireAll(rows: readonly NestedField[], sink: Schema): void {
  const missing = sink.fields.find((field) =>
    field.required && field.writeDefault === undefined &&
    rows.every(({ name }) => name !== field.name)
  );
  if (missing === undefined) return;
  const message = `Cannot write to the sink: its column "${missing.name}" is required, and rows ` +
    "have no such column. Add it with a transform, or make the sink's column nullable";
  throw new AppError("invalid", "sink_column_missing", message);
}

function describe(change: SchemaChange): string {
  const type = "type" in change && change.type !== undefined
    ? ` ${formatSqlType(change.type as Type)}`
    : "";
  const what = change.kind === "add" ? "a new column" : "another type in column";
  return `${what} ${change.name}${type}`;
}
