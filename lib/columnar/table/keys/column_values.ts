/** What is known of the values of a key column: a filter that leaves out files without any of them. */
import type { Data } from "apache-arrow";
import { referenceTo } from "../../../iceberg/expression/reference_to.ts";
import type { ScalarValue } from "../../../iceberg/expression/bound.ts";
import { comparatorFor, isComparable } from "../../../iceberg/expression/compare.ts";
import {
  alwaysTrue,
  and,
  eq,
  type Expression,
  gtEq,
  isIn,
  isNan,
  isNull,
  ltEq,
  or,
} from "../../../iceberg/expression/expression.ts";
import type { LiteralInput } from "../../../iceberg/expression/literal.ts";
import { formatValue } from "../../../iceberg/spec/format_value.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { IcebergValue, PrimitiveType, Type } from "../../../iceberg/spec/types.ts";
import { isPrimitive } from "../../../iceberg/spec/types.ts";
import { valueReader } from "../../arrow/value_reader.ts";
import type { NeededColumn } from "../needed_column.ts";

/** Distinct values that are looked for one by one; more are looked for by their range. */
export const MAX_LISTED_VALUES = 50_000;
/** Longest value that counts in full; a bound of a longer one is open. */
const MAX_VALUE_LENGTH = 1024;

/** Collects the values of one column. */
export class ColumnValues {
  readonly #column: NeededColumn;
  readonly #type: PrimitiveType | null;
  readonly #compare: (a: IcebergValue, b: IcebergValue) => number;
  /** Null once they are too many. */
  #listed: Map<ScalarValue, ScalarValue> | null = new Map();
  #hasNull = false;
  #hasNan = false;
  #lower: ScalarValue | undefined;
  #upper: ScalarValue | undefined;
  /** Whether a value was too long to be kept. */
  #isOpen = false;

  constructor(column: NeededColumn, schema: Schema) {
    const { type } = column;
    const isKnown = isComparable(type) && isPrimitive(type) && referenceTo(schema, column.id);
    this.#column = column;
    this.#type = isKnown && isPrimitive(type) ? type : null;
    this.#compare = this.#type === null ? () => 0 : comparatorFor(this.#type);
  }

  /** Takes in some rows of the column. */
  add(column: Data, rows: Iterable<number>): void {
    if (this.#type === null) return;
    const read = valueReader(column, this.#type);
    for (const row of rows) this.#take(read(row));
  }

  /** Matches every row that has one of the values, and as few others as can be told. */
  filter(): Expression {
    const type = this.#type;
    if (type === null || this.#isOpen) return alwaysTrue;
    const { name } = this.#column;
    const alternatives: Expression[] = [];
    if (this.#hasNull) alternatives.push(isNull(name));
    if (this.#hasNan) alternatives.push(isNan(name));
    const { lower, upper } = { lower: this.#lower, upper: this.#upper };
    if (this.#listed !== null && this.#listed.size > 1) {
      const values = [...this.#listed.values()].map((value) => literalOf(type, value));
      alternatives.push(isIn(name, values));
    } else if (lower !== undefined && upper !== undefined) {
      alternatives.push(
        this.#compare(lower, upper) === 0
          ? eq(name, literalOf(type, lower))
          : and(gtEq(name, literalOf(type, lower)), ltEq(name, literalOf(type, upper))),
      );
    }
    return or(...alternatives);
  }

  #take(value: IcebergValue): void {
    if (value === null) this.#hasNull = true;
    else if (Number.isNaN(value)) this.#hasNan = true;
    else if (!Array.isArray(value)) this.#takeScalar(value as ScalarValue);
  }

  #takeScalar(value: ScalarValue): void {
    const isText = typeof value === "string" || value instanceof Uint8Array;
    if (isText && value.length > MAX_VALUE_LENGTH) this.#isOpen = true;
    if (this.#isOpen) return;
    const { lower = value, upper = value } = { lower: this.#lower, upper: this.#upper };
    this.#lower = this.#compare(value, lower) < 0 ? value : lower;
    this.#upper = this.#compare(value, upper) > 0 ? value : upper;
    if (this.#listed === null) return;
    this.#listed.set(value instanceof Uint8Array ? value.toHex() : value, value);
    if (this.#listed.size > MAX_LISTED_VALUES) this.#listed = null;
  }
}

const NANOS_PER_MICRO = 1_000n;

/** A value as a predicate's literal, of which nothing is lost on the way back. */
function literalOf(type: Type, value: ScalarValue): LiteralInput {
  switch (type.kind) {
    case "date":
      return { kind: "date", days: Number(value) };
    case "time":
      return formatValue(type, value);
    case "timestamp":
    case "timestamptz": {
      const nanos = BigInt(value as bigint) * NANOS_PER_MICRO;
      return { kind: "timestamp", nanos, zoned: type.kind === "timestamptz" };
    }
    case "timestamp_ns":
    case "timestamptz_ns": {
      const zoned = type.kind === "timestamptz_ns";
      return { kind: "timestamp", nanos: BigInt(value as bigint), zoned };
    }
    case "decimal":
      return { kind: "decimal", unscaled: BigInt(value as bigint), scale: type.scale };
    case "float":
    case "double":
      return { kind: "double", value: Number(value) };
    default:
      return value;
  }
}
