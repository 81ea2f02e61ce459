/** Builders of columns without nested values. */
import {
  type IcebergValue,
  isPrimitive,
  type PrimitiveType,
  type Type,
} from "../../iceberg/spec/types.ts";
import { BinaryBuilder, FixedBuilder, TextBuilder } from "./_bytes_builders.ts";
import { GrowableBits, GrowableNumbers } from "./_growable.ts";
import {
  daysFromText,
  type FixedPoint,
  fixedPointFromText,
  intFromText,
  numberFromText,
  secondsFromText,
} from "./_plain_text.ts";
import { type BuilderSite, NullableBuilder } from "./_nullable_builder.ts";
import type { ColumnParts } from "./layout.ts";

type Present = Exclude<IcebergValue, null>;

const MICROS_PER_DAY = 86_400_000_000n;
const ENCODER = new TextEncoder();
const TRUE = ENCODER.encode("true");
const FALSE = ENCODER.encode("false");
/** Powers of ten up to this one are exact in a double. */
const MAX_EXACT_POWER = 22;
/** What texts are read into; nothing is left in it between two values. */
const MOMENT: FixedPoint = { whole: 0, fraction: 0 };

/** The builder of a leaf type. */
export function leafBuilder(type: Type, site: BuilderSite): NullableBuilder {
  if (!isPrimitive(type)) throw new TypeError(`Cannot build ${type.kind} as a leaf`);
  switch (type.kind) {
    case "boolean":
      return new BooleanBuilder(type, site);
    case "int":
    case "date":
      return new IntBuilder(type, site);
    case "float":
      return new FloatBuilder(type, site, (length) => new Float32Array(length));
    case "double":
      return new FloatBuilder(type, site, (length) => new Float64Array(length));
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return new LongBuilder(type, site);
    case "decimal":
      return new DecimalBuilder(type, site);
    case "string":
      return new TextBuilder(type, site);
    case "uuid":
    case "fixed":
      return new FixedBuilder(type, site);
    case "unknown":
      return new NothingBuilder(type, site);
    default:
      return new BinaryBuilder(type, site);
  }
}

class BooleanBuilder extends NullableBuilder {
  readonly #bits = new GrowableBits();

  protected override pushValue(value: Present): void {
    if (typeof value !== "boolean") throw this.notA("a boolean");
    this.#bits.push(value);
  }

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    const isTrue = end - start === 4 && spells(bytes, start, TRUE);
    if (!isTrue && !(end - start === 5 && spells(bytes, start, FALSE))) return false;
    this.#bits.push(isTrue);
    return true;
  }

  protected override pushSlot(): void {
    this.#bits.push(false);
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { values: this.#bits.take() };
  }

  protected override ownBytes(): number {
    return this.#bits.length >>> 3;
  }
}

class IntBuilder extends NullableBuilder {
  readonly #values = new GrowableNumbers((length) => new Int32Array(length));
  readonly #isDate: boolean;

  constructor(type: Type, site: BuilderSite) {
    super(type, site);
    this.#isDate = type.kind === "date";
  }

  protected override pushValue(value: Present): void {
    if (typeof value !== "number" || (value | 0) !== value) {
      throw this.notA("a whole number of 32 bits");
    }
    this.#values.extend(1)[this.#values.length - 1] = value;
  }

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    const value = this.#isDate ? daysFromText(bytes, start, end) : intFromText(bytes, start, end);
    if ((value | 0) !== value) return false;
    this.#values.extend(1)[this.#values.length - 1] = value;
    return true;
  }

  protected override pushSlot(): void {
    this.#values.extend(1);
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { values: this.#values.take() };
  }

  protected override ownBytes(): number {
    return this.#values.byteLength;
  }
}

class FloatBuilder extends NullableBuilder {
  readonly #values: GrowableNumbers<Float32Array | Float64Array>;

  constructor(
    type: Type,
    site: BuilderSite,
    make: (length: number) => Float32Array | Float64Array,
  ) {
    super(type, site);
    this.#values = new GrowableNumbers(make);
  }

  protected override pushValue(value: Present): void {
    if (typeof value !== "number") throw this.notA("a number");
    const values = this.#values.extend(1);
    const at = this.#values.length - 1;
    values[at] = value;
    if (Number.isFinite(value) && !Number.isFinite(values[at])) {
      throw this.fault("it is beyond the range of its type");
    }
  }

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    const value = numberFromText(bytes, start, end);
    // Beyond the range of its type, which is not for here to tell.
    if (!Number.isFinite(Math.fround(value)) && !Number.isFinite(value)) return false;
    const values = this.#values.extend(1);
    const at = this.#values.length - 1;
    values[at] = value;
    if (Number.isFinite(values[at])) return true;
    this.#values.length--;
    return false;
  }

  protected override pushSlot(): void {
    this.#values.extend(1);
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { values: this.#values.take() };
  }

  protected override ownBytes(): number {
    return this.#values.byteLength;
  }
}

class LongBuilder extends NullableBuilder {
  readonly #values = new GrowableNumbers((length) => new BigInt64Array(length));
  /** The same memory: integers that a double holds exactly need no `bigint` on their way. */
  #words = new Uint32Array(0);
  readonly #isTime: boolean;
  readonly #kind: Type["kind"];

  constructor(type: Type, site: BuilderSite) {
    super(type, site);
    this.#isTime = type.kind === "time";
    this.#kind = type.kind;
  }

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    switch (this.#kind) {
      case "long":
        return this.#pushExact(intFromText(bytes, start, end));
      case "timestamp":
      case "timestamptz":
        return this.#pushMoment(bytes, start, end);
      default:
        return false;
    }
  }

  /** Microseconds since the epoch; a zone is there where the type has one, and only there. */
  #pushMoment(bytes: Uint8Array, start: number, end: number): boolean {
    if (!secondsFromText(bytes, start, { end, hasZone: this.#kind === "timestamptz" }, MOMENT)) {
      return false;
    }
    return this.#pushExact(MOMENT.whole * 1_000_000 + MOMENT.fraction);
  }

  #pushExact(value: number): boolean {
    if (!Number.isSafeInteger(value)) return false;
    const { buffer } = this.#values.extend(1);
    if (this.#words.buffer !== buffer) this.#words = new Uint32Array(buffer);
    const at = 2 * (this.#values.length - 1);
    this.#words[at] = value;
    this.#words[at + 1] = Math.floor(value / 2 ** 32);
    return true;
  }

  protected override pushValue(value: Present): void {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
      throw this.notA("a whole number of 64 bits");
    }
    if (this.#isTime && (value < 0n || value >= MICROS_PER_DAY)) {
      throw this.notA("a time of day");
    }
    this.#values.extend(1)[this.#values.length - 1] = value;
  }

  protected override pushSlot(): void {
    this.#values.extend(1);
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { values: this.#values.take() };
  }

  protected override ownBytes(): number {
    return this.#values.byteLength;
  }
}

class DecimalBuilder extends NullableBuilder {
  readonly #words = new GrowableNumbers((length) => new Uint32Array(length));
  readonly #precision: number;
  readonly #scale: number;
  readonly #bound: bigint;

  constructor(type: PrimitiveType & { kind: "decimal" }, site: BuilderSite) {
    super(type, site);
    this.#precision = type.precision;
    this.#scale = type.scale;
    this.#bound = 10n ** BigInt(type.precision);
  }

  protected override pushValue(value: Present): void {
    if (typeof value !== "bigint") throw this.notA("an unscaled decimal");
    if (value >= this.#bound || value <= -this.#bound) {
      throw this.fault(`it has more than ${this.#precision} digits`);
    }
    this.#push(value);
  }

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    if (!fixedPointFromText(bytes, start, end, MOMENT)) return false;
    const { whole, fraction: digits } = MOMENT;
    const shift = this.#scale - digits;
    if (shift < 0 || shift > MAX_EXACT_POWER) return false;
    const value = whole * 10 ** shift;
    if (!Number.isSafeInteger(value) || Math.abs(value) >= 10 ** this.#precision) return false;
    const words = this.#words.extend(4);
    const at = this.#words.length - 4;
    const high = Math.floor(value / 2 ** 32);
    words[at] = value;
    words[at + 1] = high;
    words[at + 2] = words[at + 3] = value < 0 ? 0xffff_ffff : 0;
    return true;
  }

  #push(value: bigint): void {
    const words = this.#words.extend(4);
    const at = this.#words.length - 4;
    for (let word = 0, rest = value; word < 4; word++, rest >>= 32n) {
      words[at + word] = Number(rest & 0xffff_ffffn);
    }
  }

  protected override pushSlot(): void {
    this.#words.extend(4);
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { values: this.#words.take() };
  }

  protected override ownBytes(): number {
    return this.#words.byteLength;
  }
}

/** Type `unknown`: only null. */
class NothingBuilder extends NullableBuilder {
  protected override pushValue(): void {
    throw this.fault("a column of type unknown holds only null");
  }

  protected override pushSlot(): void {
    // Nulls of this type take no room.
  }

  protected override takeParts(): Partial<ColumnParts> {
    return {};
  }

  protected override ownBytes(): number {
    return 0;
  }
}

function spells(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  return word.every((byte, at) => bytes[start + at] === byte);
}
