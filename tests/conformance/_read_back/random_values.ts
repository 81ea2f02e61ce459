/** Random values of every type, most often those at the edges. */
import type { IcebergValue, NestedField, Type } from "../../../lib/iceberg/spec/types.ts";
import type { Random } from "./random.ts";

const DAYS = { first: -719_162, last: 2_932_896 }; // 0001-01-01 and 9999-12-31
const DAY_MICROS = 86_400_000_000n;
const MICROS = {
  first: BigInt(DAYS.first) * DAY_MICROS,
  last: BigInt(DAYS.last + 1) * DAY_MICROS - 1n,
};
const NANOS_PER_MICRO = 1_000n;
const NANOS = { first: -9_223_372_036_854_775_000n, last: 9_223_372_036_854_775_000n };
const LONG = { first: -(2n ** 63n), last: 2n ** 63n - 1n };

const DOUBLES = [NaN, -0, 0, Infinity, -Infinity, 5e-324, -1.5, 1.7976931348623157e308, 0.1];
const FLOATS = [
  NaN,
  -0,
  0,
  Infinity,
  -Infinity,
  1.401298464324817e-45,
  -1.5,
  3.4028234663852886e38,
];
const TEXTS = [
  "",
  "a",
  "abc/d=e%f",
  " lead and trail ",
  "\u{1f980}".repeat(20),
  "\u{10ffff}".repeat(18),
  `${"\uffff".repeat(15)}\u{10000}`,
  "é e\u0301 \u200f",
  "line\nfeed\ttab",
  "long ".repeat(300),
  "null",
  "'\"\\`",
];

/** A value, null where it may be at times. */
export function randomValue(random: Random, { type, required }: ValueOf): IcebergValue {
  if (!required && random.chance(0.2)) return null;
  switch (type.kind) {
    case "struct":
      return type.fields.map((child) => randomValue(random, child));
    case "list": {
      const element = { type: type.element, required: type.elementRequired };
      return Array.from(
        { length: random.pick([0, 1, 1, 2, 4]) },
        () => randomValue(random, element),
      );
    }
    case "map":
      return randomMap(random, type);
    default:
      return randomLeaf(random, type);
  }
}

type ValueOf = Pick<NestedField, "type" | "required">;

function randomMap(random: Random, type: Type & { kind: "map" }): IcebergValue {
  const entries = new Map<string, IcebergValue>();
  for (let left = random.pick([0, 1, 2, 3]); left > 0; left--) {
    const key = randomValue(random, { type: type.key, required: true });
    const text = key instanceof Uint8Array ? key.toHex() : String(key);
    entries.set(text, [
      key,
      randomValue(random, { type: type.value, required: type.valueRequired }),
    ]);
  }
  return [...entries.values()];
}

function randomLeaf(random: Random, type: Type): IcebergValue {
  const often = random.chance(0.6);
  switch (type.kind) {
    case "boolean":
      return random.chance(0.5);
    case "int":
      return often ? random.pick([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) : random.int(-1_000, 1_000);
    case "date":
      return often ? random.pick([0, -1, DAYS.first, DAYS.last]) : random.int(-40_000, 40_000);
    case "float":
      return Math.fround(often ? random.pick(FLOATS) : random.int(-1_000, 1_000) / 7);
    case "double":
      return often ? random.pick(DOUBLES) : random.int(-1_000, 1_000) / 7;
    case "string":
      return often ? random.pick(TEXTS) : `text ${random.int(0, 99)}`;
    case "binary":
      return often
        ? random.pick([new Uint8Array(), new Uint8Array(20).fill(255), Uint8Array.of(0)])
        : random.bytes(random.int(1, 40));
    case "fixed":
      return often
        ? new Uint8Array(type.length).fill(random.pick([0, 127, 128, 255]))
        : random.bytes(type.length);
    case "uuid":
      return uuidOf(often ? new Uint8Array(16).fill(random.pick([0, 128, 255])) : random.bytes(16));
    default:
      return randomBigint(random, type);
  }
}

function randomBigint(random: Random, type: Type): bigint {
  const { first, last } = rangeOf(type);
  if (random.chance(0.5)) return random.pick([first, last, 0n, -1n < first ? first : -1n, 1n]);
  const near = 10_000_000_000_000n;
  const [from, to] = [first < -near ? -near : first, last > near ? near : last];
  return random.bigint(...random.chance(0.5) ? [from, to] as const : [first, last] as const);
}

/** The smallest and the largest value that all engines know. */
function rangeOf(type: Type): { readonly first: bigint; readonly last: bigint } {
  switch (type.kind) {
    case "long":
      return LONG;
    case "time":
      return { first: 0n, last: DAY_MICROS - 1n };
    case "timestamp":
    case "timestamptz":
      return MICROS;
    case "timestamp_ns":
    case "timestamptz_ns":
      return { first: NANOS.first / NANOS_PER_MICRO * NANOS_PER_MICRO, last: NANOS.last };
    case "decimal": {
      const last = 10n ** BigInt(type.precision) - 1n;
      return { first: -last, last };
    }
    default:
      throw new TypeError(`Cannot make values of type ${type.kind}`);
  }
}

function uuidOf(bytes: Uint8Array): string {
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
