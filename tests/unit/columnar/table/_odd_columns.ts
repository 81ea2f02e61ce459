/** Columns of every type that keys are made of, with few values each, and those that compare in odd ways. */
import fc from "fast-check";
import type { IcebergValue, NestedField } from "../../../../lib/iceberg/spec/types.ts";
import { field } from "../arrow/_columns.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** Columns with their values. */
export const ODD_COLUMNS: readonly (readonly [NestedField, readonly IcebergValue[]])[] = [
  [field(1, "id", { kind: "long" }), [null, -1n, 0n, 2n ** 62n]],
  [field(2, "f", { kind: "double" }), [null, NaN, 0, -0, 1.5, -Infinity]],
  [field(3, "t", { kind: "string" }), [null, "", "a", "b", "é"]],
  [
    field(4, "s", {
      kind: "struct",
      fields: [field(5, "x", { kind: "int" }), field(6, "y", { kind: "boolean" })],
    }),
    [null, [null, true], [1, null], [1, false]],
  ],
  [field(7, "d", { kind: "decimal", precision: 20, scale: 2 }), [null, 5n, -5n, 10n ** 19n]],
  [field(8, "b", { kind: "binary" }), [null, bytes(), bytes(0), bytes(0, 1)]],
  [field(9, "u", { kind: "uuid" }), [
    null,
    "00000000-0000-0000-0000-000000000001",
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
  ]],
  [field(10, "n", { kind: "date" }), [null, 0, 19_000]],
  [field(11, "g", { kind: "float" }), [null, NaN, -0, 0, Math.fround(0.1)]],
  [field(12, "tz", { kind: "timestamptz" }), [null, 0n, -1n]],
  [field(13, "h", { kind: "time" }), [null, 0n, 86_399_999_999n]],
  [field(14, "x", { kind: "fixed", length: 2 }), [null, bytes(0, 0), bytes(255, 1)]],
  [
    field(15, "l", {
      kind: "list",
      elementId: 16,
      elementRequired: false,
      element: { kind: "double" },
    }),
    [null, [], [null], [NaN], [0, -0], [-0, 0]],
  ],
  [
    field(17, "m", {
      kind: "map",
      keyId: 18,
      key: { kind: "string" },
      valueId: 19,
      valueRequired: false,
      value: { kind: "long" },
    }),
    [null, [], [["a", 1n]], [["a", null]]],
  ],
];

/** The columns. */
export const ODD_FIELDS: readonly NestedField[] = ODD_COLUMNS.map(([column]) => column);
/** Ids of those that single keys are made of, members of structs among them. */
export const ODD_KEY_IDS = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] as const;

/** Rows, of which many are equal. */
export const oddRow: fc.Arbitrary<readonly IcebergValue[]> = fc.oneof(
  fc.tuple(...ODD_COLUMNS.map(([, values]) => fc.constantFrom(...values))),
  fc.constantFrom(0, 1, 2).map((at) => ODD_COLUMNS.map(([, values]) => values[at] ?? null)),
);

/** A text that two values share exactly if keys hold them for equal. */
export function exactText(value: IcebergValue): string {
  if (Array.isArray(value)) return `[${value.map(exactText).join(",")}]`;
  if (Object.is(value, -0)) return "-0";
  if (value instanceof Uint8Array) return `bytes ${value.toHex()}`;
  return `${typeof value} ${JSON.stringify(String(value))}`;
}
