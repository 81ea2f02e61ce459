/**
 * Reads rows of one schema as rows of another, by field id (spec "Column Projection"): renamed,
 * reordered, added, dropped and promoted columns at every depth, constants of the partition,
 * defaults, and metadata columns. Compiled once per file, then run per batch; where a column need not
 * change, its buffers are handed on.
 */
import type { Data, RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { type AppError, corruptData, displayPath } from "../../errors.ts";
import type { NameMapping } from "../../iceberg/spec/name_mapping.ts";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import { arrowSchema } from "../arrow/arrow_schema.ts";
import { makeBatch } from "../arrow/batch.ts";
import type { Exactness } from "../arrow/check_exact.ts";
import type { ColumnFault } from "../arrow/column_error.ts";
import { constantColumn } from "../arrow/constant_column.ts";
import { absentValue, type ColumnProjector, compileColumn } from "./_project_column.ts";
import { compileMetadataColumn } from "./_project_metadata.ts";
import { fileFields } from "./file_fields.ts";
import { METADATA_FIELD_IDS } from "./metadata_columns.ts";

/** Where the rows of a batch come from. */
export interface BatchPlace {
  /** Position of its first row in the file; the others follow without gaps. */
  readonly firstPosition: number;
}

/** The data file that rows are read from, as far as columns tell of it. */
export interface ProjectedFile {
  readonly location: string;
  /** Values of columns that are the same in the whole file: identity partitions, by field id. */
  readonly constants: ReadonlyMap<number, IcebergValue>;
  /** v3 row lineage; null where the file has none. */
  readonly firstRowId: bigint | null;
  /** Data sequence number. */
  readonly sequenceNumber: bigint;
}

/** Options of {@linkcode compileProjection}. */
export interface ProjectionOptions {
  readonly nameMapping: NameMapping | null;
  readonly file: ProjectedFile;
  /** Makes the errors of values by column; by default those of a damaged data file. */
  readonly faultOf?: (column: string) => ColumnFault;
  /** Whether values are refused of which a type would keep a part only; by default they are cut. */
  readonly exactness?: Exactness;
}

/** A compiled projection. */
export interface Projection {
  /** The schema of the rows that come out. */
  readonly schema: ArrowSchema;
  /** Places of the columns of the file that are needed, ascending. */
  readonly filePlaces: readonly number[];
  /** Rows of the schema from rows of the file, which have the needed columns and no others. */
  project(batch: RecordBatch, place: BatchPlace): RecordBatch;
}

/**
 * The projection from a file with the schema `fileSchema` to `fields`. Throws `corrupt_data` where
 * the file lacks a required column without a default, or, when run, holds what a type cannot.
 */
export function compileProjection(
  fileSchema: ArrowSchema,
  fields: readonly NestedField[],
  options: ProjectionOptions,
): Projection {
  const { file, nameMapping, exactness = "none" } = options;
  const sources = fileFields(fileSchema, { nameMapping, location: file.location });
  const faultOf = options.faultOf ?? ((column: string) => fileFault(file.location, column));
  const byId = new Map(sources.map((source, place) => [source.id, { source, place }]));
  const found = fields.map((field) => byId.get(field.id) ?? null);
  const places = new Set(found.flatMap((one) => one === null ? [] : [one.place]));
  const filePlaces = [...places].sort((a, b) => a - b);
  const columns = fields.map((field, at): BatchColumn => {
    const own = found[at] ?? null;
    const stored = own === null ? null : storedColumn(filePlaces.indexOf(own.place), {
      project: compileColumn(own.source, field, { faultOf, constants: file.constants, exactness }),
    });
    return compileTopLevel(field, stored, file);
  });
  const schema = arrowSchema({ fields });
  return {
    schema,
    filePlaces,
    project: (batch, place) =>
      makeBatch(schema, columns.map((column) => column(batch, place)), { length: batch.numRows }),
  };
}

type BatchColumn = (batch: RecordBatch, place: BatchPlace) => Data;

function compileTopLevel(
  field: NestedField,
  stored: BatchColumn | null,
  file: ProjectedFile,
): BatchColumn {
  if (METADATA_IDS.has(field.id)) return compileMetadataColumn(field, stored, file);
  if (stored !== null) return stored;
  const value = absentValue(field, file.constants);
  if (value === null && field.required) throw missing(file.location, field.name);
  return (batch) =>
    constantColumn(field.type, value, { length: batch.numRows, column: field.name });
}

function storedColumn(at: number, { project }: { readonly project: ColumnProjector }): BatchColumn {
  return (batch) => {
    const column = batch.data.children[at];
    if (column === undefined) {
      throw new TypeError(`Cannot find column ${at} in a batch of its file`);
    }
    return project(column);
  };
}

const METADATA_IDS: ReadonlySet<number> = new Set(Object.values(METADATA_FIELD_IDS));

/** Faults of values in a data file: kind `corrupt_data`, code `data_file_malformed`. */
export function fileFault(location: string, column: string) {
  return (detail: string, row: number | null): AppError =>
    corruptData(
      "data_file_malformed",
      `Cannot read column "${column}" of "${displayPath(location)}": ${detail}`,
      { context: { location, ...(row === null ? {} : { row }) } },
    );
}

function missing(location: string, column: string): AppError {
  return corruptData(
    "required_column_missing",
    `Cannot read "${displayPath(location)}": it lacks the required column "${column}", ` +
      "which has no default",
    { context: { location } },
  );
}
