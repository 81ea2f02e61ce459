/** Rows that cannot be appended: the row and the column are named, and nothing is committed. */
import { AppError } from "../../errors.ts";

/** Where a row stands in what the client sent. */
export interface RowPlace {
  /** `line` of text, or `row` of a columnar file; both count from 1. */
  readonly unit: "line" | "row";
  readonly number: number;
}

/** What is wrong with a row. */
export interface RowProblem {
  /** Full dotted name; null where the row as a whole is wrong. */
  readonly column: string | null;
  readonly problem: string;
}

/** Kind `invalid`, code `row_invalid`. */
export function rowInvalid(place: RowPlace, { column, problem }: RowProblem): AppError {
  const where = `${place.unit} ${place.number}`;
  const what = column === null || column === "" ? where : `column "${column}" in ${where}`;
  const message = `Cannot append: ${what} is not valid: ${problem}. Nothing was appended`;
  return new AppError("invalid", "row_invalid", message, {
    issues: [{
      path: `${place.unit}s.${place.number}${column ? `.${column}` : ""}`,
      message: problem,
    }],
    context: { ...place, column },
  });
}
