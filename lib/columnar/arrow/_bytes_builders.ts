/** Builders of text, binary data and UUIDs. */
import { AppError } from "../../errors.ts";
import type { IcebergValue, PrimitiveType, Type } from "../../iceberg/spec/types.ts";
import { UUID, uuidToBytes } from "../../iceberg/spec/values.ts";
import { GrowableBytes, GrowableNumbers } from "./_growable.ts";
import { type BuilderSite, NullableBuilder } from "./_nullable_builder.ts";
import { uuidFromText } from "./_plain_text.ts";
import { type ColumnParts, MAX_OFFSET } from "./layout.ts";

type Present = Exclude<IcebergValue, null>;

const ENCODER = new TextEncoder();
/** Up to this many bytes are copied one by one. */
const SHORT_BYTES = 48;

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

/** Text. */
export class TextBuilder extends BytesBuilder {
  protected override pushValue(value: Present): void {
    if (typeof value !== "string") throw this.notA("text");
    if (!value.isWellFormed()) throw this.fault("it is not valid Unicode text");
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = this.bytes.reserve(3 * value.length).subarray(this.bytes.length);
    this.bytes.length += ENCODER.encodeInto(value, room).written;
    this.closeValue();
  }

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    const size = end - start;
    const room = this.bytes.reserve(size);
    let to = this.bytes.length;
    // A call costs more than a few bytes do.
    if (size > SHORT_BYTES) room.set(bytes.subarray(start, end), to);
    else for (let from = start; from < end; from++) room[to++] = bytes[from]!;
    this.bytes.length += size;
    this.closeValue();
    return true;
  }
}

/** Binary data. */
export class BinaryBuilder extends BytesBuilder {
  protected override pushValue(value: Present): void {
    if (!(value instanceof Uint8Array)) throw this.notA("binary data");
    this.bytes.push(value);
    this.closeValue();
  }
}

/** `uuid` and `fixed`: a number of bytes that the type fixes. */
export class FixedBuilder extends NullableBuilder {
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

  protected override pushText(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isUuid) return false;
    const room = this.#bytes.reserve(this.#width);
    if (!uuidFromText(bytes, start, end, room.subarray(this.#bytes.length))) return false;
    this.#bytes.length += this.#width;
    return true;
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

function tooLarge(bytes: number): AppError {
  return new AppError(
    "too_large",
    "batch_too_large",
    `Cannot hold ${bytes} bytes of one column in one batch: at most ${MAX_OFFSET} fit`,
  );
}
