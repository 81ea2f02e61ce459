/**
 * Keys that sort rows along a Z-curve: the bits of several columns' ordered bytes in turn, highest
 * first, as Spark's `zorder` strategy lays them out. Numbers and times give eight bytes, text and
 * binary data as many of their first bytes as `var-length-contribution` says; null counts as zeros.
 */
import type { Data, RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { PrimitiveType, Type } from "../../../iceberg/spec/types.ts";
import { getBit } from "../../arrow/bitmap.ts";
import { castColumn } from "../../arrow/cast_column.ts";
import { inputFault } from "../../arrow/column_error.ts";
import { offsetsOf, validityOf } from "../../arrow/layout.ts";
import { encodeRowKeys, type RowKeys } from "../../arrow/row_keys.ts";
import { columnReader } from "../column_reader.ts";
import { interleaveBits } from "./_interleave.ts";
import type { KeyMaker } from "./sort_order_keys.ts";

/** Bytes that a number or time gives. */
const NUMBER_BYTES = 8;

/** Options of {@linkcode zOrderKeys}; the names of Spark's options are in the comments. */
export interface ZOrderOptions {
  /** Bytes that text and binary columns give: `var-length-contribution`, 8 by default. */
  readonly varLengthContribution?: number;
  /** Bytes of a key at most: `max-output-size`, no bound by default. */
  readonly maxOutputSize?: number;
}

/**
 * The keys of rows of `schema` by the columns named. Errors are of kind `invalid`, code
 * `zorder_invalid`: no or unknown columns, or types that do not lie on a curve.
 */
export function zOrderKeys(
  columns: readonly string[],
  schema: Schema,
  options: ZOrderOptions = {},
): KeyMaker {
  const { varLengthContribution = NUMBER_BYTES, maxOutputSize = Infinity } = options;
  if (columns.length === 0) throw invalid("Cannot z-order by no columns: name at least one");
  const parts = columns.map((name) => {
    const path = schema.findByName(name);
    if (path === undefined) throw invalid(`Cannot z-order by column "${name}": there is none`);
    const { type } = path.field;
    if (!isOrdered(type)) {
      throw invalid(`Cannot z-order by column "${name}" of type ${type.kind}`);
    }
    const width = isVarLength(type) ? varLengthContribution : NUMBER_BYTES;
    return { columnOf: columnReader(path, schema), type, width };
  });
  const widths = parts.map((part) => part.width);
  const size = Math.min(widths.reduce((sum, width) => sum + width, 0), maxOutputSize);
  return (batch: RecordBatch): RowKeys => {
    const length = batch.numRows;
    const bytes = parts.map(({ columnOf, type, width }) =>
      orderedBytes(columnOf(batch), type, { length, width })
    );
    return {
      length,
      bytes: interleaveBits(bytes, { widths, size, length }),
      offsets: Uint32Array.from({ length: length + 1 }, (_, row) => size * row),
    };
  };
}

function isOrdered(type: Type): type is PrimitiveType {
  switch (type.kind) {
    case "struct":
    case "list":
    case "map":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return false;
    default:
      return true;
  }
}

function isVarLength(type: Type): boolean {
  return type.kind === "string" || type.kind === "binary" || type.kind === "uuid" ||
    type.kind === "fixed";
}

interface BytesShape {
  readonly length: number;
  /** Bytes of a row. */
  readonly width: number;
}

/** `width` bytes of every row that sort as its values do; zeros for null. */
function orderedBytes(column: Data, type: PrimitiveType, shape: BytesShape): Uint8Array {
  switch (type.kind) {
    case "string":
    case "binary":
      return firstBytes(column, shape);
    case "uuid":
    case "fixed":
      return firstFixedBytes(column, shape);
    case "boolean":
      return booleanBytes(column, shape);
    default:
      return numberBytes(column, type, shape);
  }
}

/** Eight bytes of a number: its key without the mark. */
function numberBytes(column: Data, type: PrimitiveType, { length, width }: BytesShape): Uint8Array {
  if (type.kind === "int" || type.kind === "date") return intBytes(column, length);
  const wide = type.kind === "float"
    ? { column: castColumn(column, DOUBLE, inputFault("zorder")), type: DOUBLE }
    : { column, type };
  const keys = encodeRowKeys([wide], { length });
  const bytes = new Uint8Array(width * length);
  for (let row = 0; row < length; row++) {
    const from = keys.offsets[row]! + 1;
    // The key of null is zeros; of long decimals the first bytes have to do.
    for (let i = 0; i < width; i++) bytes[width * row + i] = keys.bytes[from + i]!;
  }
  return bytes;
}

const DOUBLE = { kind: "double" } as const;

/** Integers of 32 bits as 64: the curve must not bend when a column is promoted. */
function intBytes(column: Data, length: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES * length);
  const view = new DataView(bytes.buffer);
  const values: Int32Array = column.values;
  const isPresent = presence(column);
  for (let row = 0; row < length; row++) {
    if (!isPresent(row)) continue;
    const value = values[row]!;
    view.setInt32(NUMBER_BYTES * row, value >> 31 ^ SIGN);
    view.setInt32(NUMBER_BYTES * row + 4, value);
  }
  return bytes;
}

const SIGN = -0x8000_0000;

/** Spark marks true so, and false with zeros. */
const TRUE_BYTE = 0x81;

function booleanBytes(column: Data, { length, width }: BytesShape): Uint8Array {
  const bytes = new Uint8Array(width * length);
  const values: Uint8Array = column.values;
  const isPresent = presence(column);
  for (let row = 0; row < length; row++) {
    if (isPresent(row) && getBit(values, column.offset + row)) bytes[width * row] = TRUE_BYTE;
  }
  return bytes;
}

function firstBytes(column: Data, { length, width }: BytesShape): Uint8Array {
  const bytes = new Uint8Array(width * length);
  const values: Uint8Array = column.values;
  const offsets = offsetsOf(column);
  const isPresent = presence(column);
  for (let row = 0; row < length; row++) {
    if (!isPresent(row)) continue;
    const from = offsets[row]!;
    const count = Math.min(width, offsets[row + 1]! - from);
    for (let i = 0; i < count; i++) bytes[width * row + i] = values[from + i]!;
  }
  return bytes;
}

function firstFixedBytes(column: Data, { length, width }: BytesShape): Uint8Array {
  const bytes = new Uint8Array(width * length);
  const values: Uint8Array = column.values;
  const count = Math.min(width, column.stride);
  const isPresent = presence(column);
  for (let row = 0; row < length; row++) {
    if (!isPresent(row)) continue;
    for (let i = 0; i < count; i++) bytes[width * row + i] = values[column.stride * row + i]!;
  }
  return bytes;
}

function presence(column: Data): (row: number) => boolean {
  const validity = validityOf(column);
  return validity === null ? () => true : (row) => getBit(validity, column.offset + row);
}

function invalid(message: string): AppError {
  return new AppError("invalid", "zorder_invalid", message);
}
