/** Builders of columns without nested values. */
import { AppError } from "../../errors.ts";
import {
  type IcebergValue,
  isPrimitive,
  type PrimitiveType,
  type Type,
} from "../../iceberg/spec/types.ts";
import { UUID, uuidToBytes } from "../../iceberg/spec/values.ts";
import { GrowableBits, GrowableBytes, GrowableNumbers } from "./_growable.ts";
import { type BuilderSite, NullableBuilder } from "./_nullable_builder.ts";
import { type ColumnParts, MAX_OFFSET } from "./layout.ts";

type Present = Exclude<IcebergValue, null>;

const MICROS_PER_DAY = 86_400_000_000n;
const ENCODER = new TextEncoder();

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

  protected override pushValue(value: Present): void {
    if (typeof value !== "number" || (value | 0) !== value) {
      throw this.notA("a whole number of 32 bits");
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
  readonly #isTime: boolean;

  constructor(type: Type, site: BuilderSite) {
    super(type, site);
    this.#isTime = type.kind === "time";
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
  readonly #bound: bigint;

  constructor(type: PrimitiveType & { kind: "decimal" }, site: BuilderSite) {
    super(type, site);
    this.#precision = type.precision;
    this.#bound = 10n ** BigInt(type.precision);
  }

  protected override pushValue(value: Present): void {
    if (typeof value !== "bigint") throw this.notA("an unscaled decimal");
    if (value >= this.#bound || value <= -this.#bound) {
      throw this.fault(`it has more than ${this.#precision} digits`);
    }
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

/** Text and binary data: offsets into bytes. */
abstract class BytesBuilder extends NullableBuilder {
  protected readonly bytes = new GrowableBytes();
  readonly #ends = new GrowableNumbers((length) => new Int32Array(length));

  constructor(type: Type, site: BuilderSite) {
    super(type, site);
    this.#ends.extend(1);
  }

  protected closeValue(): void {
    if (this.bytes.length > MAX_OFFSET) throw tooLarge(this.bytes.length);
    this.#ends.extend(1)[this.#ends.length - 1] = this.bytes.length;
  }

  protected override pushSlot(): void {
    this.closeValue();
  }

  protected override takeParts(): Partial<ColumnParts> {
    const offsets = this.#ends.take();
    this.#ends.extend(1);
    return { values: this.bytes.take(), offsets };
  }

  protected override ownBytes(): number {
    return this.bytes.length + this.#ends.byteLength;
  }
}

class TextBuilder extends BytesBuilder {
  protected override pushValue(value: Present): void {
    if (typeof value !== "string") throw this.notA("text");
    if (!value.isWellFormed()) throw this.fault("it is not valid Unicode text");
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = this.bytes.reserve(3 * value.length).subarray(this.bytes.length);
    this.bytes.length += ENCODER.encodeInto(value, room).written;
    this.closeValue();
  }
}

class BinaryBuilder extends BytesBuilder {
  protected override pushValue(value: Present): void {
    if (!(value instanceof Uint8Array)) throw this.notA("binary data");
    this.bytes.push(value);
    this.closeValue();
  }
}

/** `uuid` and `fixed`: a number of bytes that the type fixes. */
class FixedBuilder extends NullableBuilder {
  readonly #bytes = new GrowableBytes();
  readonly #width: number;
  readonly #isUuid: boolean;

  constructor(type: PrimitiveType, site: BuilderSite) {
    super(type, site);
    this.#isUuid = type.kind === "uuid";
    this.#width = type.kind === "fixed" ? type.length : 16;
  }

  protected override pushValue(value: Present): void {
    if (this.#isUuid) {
      if (typeof value !== "string" || !UUID.test(value)) throw this.notA("a UUID");
      this.#bytes.push(uuidToBytes(value));
      return;
    }
    if (!(value instanceof Uint8Array) || value.length !== this.#width) {
      throw this.notA(`binary data of ${this.#width} bytes`);
    }
    this.#bytes.push(value);
  }

  protected override pushSlot(): void {
    this.#bytes.push(new Uint8Array(this.#width));
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { values: this.#bytes.take() };
  }

  protected override ownBytes(): number {
    return this.#bytes.length;
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

function tooLarge(bytes: number): AppError {
  return new AppError(
    "too_large",
    "batch_too_large",
    `Cannot hold ${bytes} bytes of one column in one batch: at most ${MAX_OFFSET} fit`,
  );
}
