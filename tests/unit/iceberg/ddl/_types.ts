/** Random types with everything that text can say of them. */
import fc from "fast-check";
import type { NestedField, PrimitiveType, Type } from "../../../../lib/iceberg/spec/types.ts";

const PRIMITIVES: readonly PrimitiveType[] = [
  { kind: "boolean" },
  { kind: "int" },
  { kind: "long" },
  { kind: "float" },
  { kind: "double" },
  { kind: "date" },
  { kind: "time" },
  { kind: "timestamp" },
  { kind: "timestamptz" },
  { kind: "timestamp_ns" },
  { kind: "timestamptz_ns" },
  { kind: "string" },
  { kind: "uuid" },
  { kind: "binary" },
  { kind: "variant" },
  { kind: "unknown" },
  { kind: "decimal", precision: 38, scale: 38 },
  { kind: "decimal", precision: 1, scale: 0 },
  { kind: "fixed", length: 16 },
  { kind: "geometry", crs: null },
  { kind: "geometry", crs: "srid:4326" },
  { kind: "geography", crs: null, algorithm: null },
  { kind: "geography", crs: "OGC:CRS84", algorithm: "spherical" },
];

/** Names of fields, none empty, no two alike in one struct. */
const name = fc.oneof(
  fc.constantFrom("a", "id", "not", "null", "comment", "array", "struct", "1st", "x y", "a.b", "`"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }),
);
const names = fc.uniqueArray(name, {
  minLength: 1,
  maxLength: 4,
  selector: (text) => text.toLowerCase(),
});
const doc = fc.option(
  fc.oneof(fc.constantFrom("", "it's", '"', "\\", "\\n", "%", "a\nb"), fc.string({ maxLength: 8 })),
);

/** Any type; ids inside it are all 0. */
export const anyType: fc.Arbitrary<Type> = fc.letrec<{ type: Type }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom(...PRIMITIVES) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("list" as const),
        elementId: fc.constant(0),
        elementRequired: fc.boolean(),
        element: tie("type"),
      }, { noNullPrototype: true }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("map" as const),
        keyId: fc.constant(0),
        key: tie("type"),
        valueId: fc.constant(0),
        valueRequired: fc.boolean(),
        value: tie("type"),
      }, { noNullPrototype: true }),
    },
    {
      weight: 1,
      arbitrary: names.chain((all) =>
        fc.tuple(...all.map((one) => fieldOf(one, tie("type")))).map((fields) => ({
          kind: "struct" as const,
          fields,
        }))
      ),
    },
  ),
})).type;

function fieldOf(name: string, type: fc.Arbitrary<Type>): fc.Arbitrary<NestedField> {
  return fc.tuple(type, fc.boolean(), doc).map(([inner, required, comment]) => ({
    id: 0,
    name,
    required,
    type: inner,
    doc: comment,
    initialDefault: undefined,
    writeDefault: undefined,
  }));
}
