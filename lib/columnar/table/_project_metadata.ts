/** Metadata columns of a data file's rows: see `metadata_columns.ts`. */
import type { Data, RecordBatch } from "apache-arrow";
import { Int64 } from "apache-arrow";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import { arrowType } from "../arrow/arrow_schema.ts";
import { getBit } from "../arrow/bitmap.ts";
import { constantColumn } from "../arrow/constant_column.ts";
import { makeColumn, nullsOf, validityOf } from "../arrow/layout.ts";
import { nullColumn } from "../arrow/null_column.ts";
import { METADATA_FIELD_IDS } from "./metadata_columns.ts";
import type { BatchPlace, ProjectedFile } from "./project_batch.ts";

type BatchColumn = (batch: RecordBatch, place: BatchPlace) => Data;

/** The column; `stored` reads it from the file where the file has it. */
export function compileMetadataColumn(
  field: NestedField,
  stored: BatchColumn | null,
  file: ProjectedFile,
): BatchColumn {
  switch (field.id) {
    case METADATA_FIELD_IDS.file:
      return constant(field, file.location);
    case METADATA_FIELD_IDS.position:
      return (batch, { firstPosition }) => ascending(BigInt(firstPosition), batch.numRows);
    case METADATA_FIELD_IDS.rowId:
      return rowIds(stored, file);
    case METADATA_FIELD_IDS.lastUpdatedSequenceNumber:
      return lastUpdated(stored, file);
    default:
      return constant(field, file.constants.get(field.id) ?? null);
  }
}

function constant(field: NestedField, value: IcebergValue): BatchColumn {
  return (batch) =>
    constantColumn(field.type, value, { length: batch.numRows, column: field.name });
}

/** Spec "Row Lineage": a stored id, else the file's first id plus the position. */
function rowIds(stored: BatchColumn | null, { firstRowId }: ProjectedFile): BatchColumn {
  if (firstRowId === null) return (batch) => nullColumn(arrowType(LONG), batch.numRows);
  return (batch, place) => {
    const inherited = ascending(firstRowId + BigInt(place.firstPosition), batch.numRows);
    return stored === null ? inherited : orElse(stored(batch, place), inherited);
  };
}

/** Spec "Row Lineage": a stored number, else the file's data sequence number. */
function lastUpdated(stored: BatchColumn | null, file: ProjectedFile): BatchColumn {
  if (file.firstRowId === null) return (batch) => nullColumn(arrowType(LONG), batch.numRows);
  return (batch, place) => {
    const inherited = makeColumn(new Int64(), {
      length: batch.numRows,
      values: new BigInt64Array(batch.numRows).fill(file.sequenceNumber),
    });
    return stored === null ? inherited : orElse(stored(batch, place), inherited);
  };
}

const LONG = { kind: "long" } as const;

function ascending(first: bigint, length: number): Data {
  const values = new BigInt64Array(length);
  for (let row = 0; row < length; row++) values[row] = first + BigInt(row);
  return makeColumn(new Int64(), { length, values });
}

/** Values of a column of longs, and of another where they are null. */
function orElse(column: Data, other: Data): Data {
  const validity = validityOf(column);
  if (nullsOf(column) === 0 || validity === null) return column;
  const values: BigInt64Array = column.values;
  const filled = values.slice(0, column.length);
  const others: BigInt64Array = other.values;
  for (let row = 0; row < column.length; row++) {
    if (!getBit(validity, column.offset + row)) filled[row] = others[row]!;
  }
  return makeColumn(column.type, { length: column.length, values: filled });
}
