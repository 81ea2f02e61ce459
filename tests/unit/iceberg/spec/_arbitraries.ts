/** Random types and values of those types, for property tests of the spec. */
import fc from "fast-check";
import type {
  IcebergValue,
  PrimitiveType,
  SimpleTypeName,
} from "../../../../lib/iceberg/spec/types.ts";

/** A type with a non-null value of it. */
export type TypeAndValue = readonly [PrimitiveType, IcebergValue];

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: "binary", maxLength: 12 });
const int = fc.integer();

function of(kind: SimpleTypeName, values: fc.Arbitrary<IcebergValue>): fc.Arbitrary<TypeAndValue> {
  return values.map((value) => [{ kind } as PrimitiveType, value] as const);
}

/** Values of one simple type. */
export const valuesOf: Readonly<Record<string, fc.Arbitrary<IcebergValue>>> = {
  boolean: fc.boolean(),
  int,
  date: int,
  long,
  time: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  timestamp: long,
  timestamptz: long,
  timestamp_ns: long,
  timestamptz_ns: long,
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
  string: text,
  uuid: fc.uuid({ version: 4 }),
  binary: fc.uint8Array({ maxLength: 20 }),
};

/** A decimal type and an unscaled value within its precision. */
export const decimal: fc.Arbitrary<TypeAndValue> = fc.integer({ min: 1, max: 38 })
  .chain((precision) =>
    fc.tuple(fc.integer({ min: 0, max: precision }), fc.bigInt(bounds(precision))).map(
      ([scale, value]) => [{ kind: "decimal" as const, precision, scale }, value] as const,
    )
  );

/** A fixed type and bytes of its length. */
export const fixed: fc.Arbitrary<TypeAndValue> = fc.uint8Array({ minLength: 1, maxLength: 20 })
  .map((value) => [{ kind: "fixed" as const, length: value.length }, value] as const);

/** Any primitive type that has a binary and a JSON form, with a non-null value. */
export const primitiveTypeAndValue: fc.Arbitrary<TypeAndValue> = fc.oneof(
  ...Object.entries(valuesOf).map(([kind, values]) => of(kind as SimpleTypeName, values)),
  decimal,
  fixed,
);

function bounds(precision: number): { min: bigint; max: bigint } {
  const limit = 10n ** BigInt(precision) - 1n;
  return { min: -limit, max: limit };
}
