/** Field summaries of a manifest's partition tuples (spec: "Manifest Lists", `field_summary`). */
import { compareValues } from "../spec/compare_values.ts";
import type { IcebergValue, PrimitiveType, StructType } from "../spec/types.ts";
import { isPrimitive } from "../spec/types.ts";
import { encodeValue } from "../spec/values.ts";
import type { FieldSummary } from "./manifest_file.ts";

interface FieldBounds {
  readonly type: PrimitiveType;
  containsNull: boolean;
  containsNan: boolean;
  lower: IcebergValue;
  upper: IcebergValue;
}

/** Collects the bounds of partition tuples, one after another. */
export class PartitionSummary {
  readonly #fields: readonly FieldBounds[];

  constructor(partitionType: StructType) {
    this.#fields = partitionType.fields.map(({ type }) => {
      if (!isPrimitive(type)) throw new TypeError(`Cannot partition by a value of ${type.kind}`);
      return { type, containsNull: false, containsNan: false, lower: null, upper: null };
    });
  }

  /** Takes in one tuple. */
  add(partition: readonly IcebergValue[]): void {
    if (partition.length !== this.#fields.length) {
      throw new TypeError(
        `Cannot summarize a partition of ${partition.length} values, wanted ${this.#fields.length}`,
      );
    }
    this.#fields.forEach((field, index) => addValue(field, partition[index] ?? null));
  }

  /** The summaries in the order of the partition's fields. */
  toSummaries(): readonly FieldSummary[] {
    return this.#fields.map(({ type, containsNull, containsNan, lower, upper }) => ({
      containsNull,
      containsNan,
      lowerBound: lower === null ? null : encodeValue(type, lower),
      upperBound: upper === null ? null : encodeValue(type, upper),
    }));
  }
}

function addValue(field: FieldBounds, value: IcebergValue): void {
  if (value === null) {
    field.containsNull = true;
  } else if (typeof value === "number" && Number.isNaN(value)) {
    // NaN has no place in an order, so bounds leave it out.
    field.containsNan = true;
  } else {
    const { type, lower, upper } = field;
    if (lower === null || compareValues(type, value, lower) < 0) field.lower = value;
    if (upper === null || compareValues(type, value, upper) > 0) field.upper = value;
  }
}
