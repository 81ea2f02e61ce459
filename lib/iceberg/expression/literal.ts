/**
 * Literals as a caller writes them, before the column they meet gives them a type. Numbers are
 * kept exact (unscaled digits and a scale), times as nanoseconds, so that nothing is rounded
 * before it is known what to round to.
 */
import { AppError } from "../../errors.ts";

/** A constant of an unbound predicate. */
export type Literal =
  | { readonly kind: "boolean"; readonly value: boolean }
  /** `unscaled / 10^scale`, exact; an integer has scale 0. */
  | { readonly kind: "decimal"; readonly unscaled: bigint; readonly scale: number }
  /** Binary floating point; never NaN. */
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "binary"; readonly value: Uint8Array }
  /** Days since 1970-01-01. */
  | { readonly kind: "date"; readonly days: number }
  /** Nanoseconds since the epoch; `zoned` where the text named an offset. */
  | { readonly kind: "timestamp"; readonly nanos: bigint; readonly zoned: boolean };

/** Plain values that {@linkcode literal} accepts. */
export type LiteralInput = boolean | number | bigint | string | Uint8Array | Literal;

/** A literal from a plain value. NaN is refused: test for it with `isNan`. */
export function literal(value: LiteralInput): Literal {
  switch (typeof value) {
    case "boolean":
      return { kind: "boolean", value };
    case "bigint":
      return { kind: "decimal", unscaled: value, scale: 0 };
    case "string":
      return { kind: "string", value };
    case "number":
      if (Number.isNaN(value)) {
        throw invalidLiteral("Cannot compare a column with NaN: test for it with isnan(column)");
      }
      return Number.isSafeInteger(value)
        ? { kind: "decimal", unscaled: BigInt(value), scale: 0 }
        : { kind: "double", value };
    default:
      return value instanceof Uint8Array ? { kind: "binary", value } : value;
  }
}

/** A literal as a message shows it. */
export function formatLiteral(value: Literal): string {
  switch (value.kind) {
    case "boolean":
    case "double":
      return String(value.value);
    case "decimal":
      return formatDecimal(value.unscaled, value.scale);
    case "string":
      return `'${value.value.replaceAll("'", "''")}'`;
    case "binary":
      return `X'${Array.from(value.value, (byte) => byte.toString(16).padStart(2, "0")).join("")}'`;
    case "date":
      return `DATE ${value.days} days since 1970-01-01`;
    case "timestamp":
      return `TIMESTAMP ${value.nanos} ns since 1970-01-01`;
  }
}

/** Kind `invalid`, code `filter_literal_invalid`. */
export function invalidLiteral(message: string): AppError {
  return new AppError("invalid", "filter_literal_invalid", message);
}

function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const sign = unscaled < 0n ? "-" : "";
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
