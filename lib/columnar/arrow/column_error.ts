/** What is wrong with a value or a column: kernels say it, their callers say whose fault it is. */
import { AppError } from "../../errors.ts";

/** Makes the error for a problem; `row` counts from 0 in the column at hand, null for all rows. */
export type ColumnFault = (detail: string, row: number | null) => AppError;

/**
 * Faults of rows that a caller handed in: kind `invalid`, code `invalid_value` for a row and
 * `column_type_mismatch` for a column; the column is named in `issues`.
 */
export function inputFault(column: string): ColumnFault {
  return (detail, row) => {
    const message = row === null
      ? `Cannot use column "${column}": ${detail}`
      : `Cannot use the value of column "${column}" in row ${row}: ${detail}`;
    const code = row === null ? "column_type_mismatch" : "invalid_value";
    return new AppError("invalid", code, message, {
      issues: [{ path: column, message }],
      ...(row === null ? {} : { context: { row } }),
    });
  };
}
