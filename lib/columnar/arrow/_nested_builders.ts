/** Builders of structs, lists and maps. */
import type { IcebergValue, Type } from "../../iceberg/spec/types.ts";
import { GrowableNumbers } from "./_growable.ts";
import { type BuilderSite, NullableBuilder } from "./_nullable_builder.ts";
import { type ColumnParts, makeColumn } from "./layout.ts";

type Present = Exclude<IcebergValue, null>;

/** Structs: an array of values in field order. */
export class StructBuilder extends NullableBuilder {
  readonly #fields: readonly NullableBuilder[];

  constructor(type: Type, site: BuilderSite, fields: readonly NullableBuilder[]) {
    super(type, site);
    this.#fields = fields;
  }

  protected override pushValue(value: Present): void {
    if (!isList(value) || value.length !== this.#fields.length) {
      throw this.notA(`a struct of ${this.#fields.length} values`);
    }
    this.#fields.forEach((field, at) => field.append(value[at] ?? null));
  }

  protected override pushSlot(): void {
    for (const field of this.#fields) field.appendSlot();
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { children: this.#fields.map((field) => field.finish()) };
  }

  protected override ownBytes(): number {
    return this.#fields.reduce((sum, field) => sum + field.byteLength, 0);
  }
}

/** Offsets of lists and maps. */
abstract class ItemsBuilder extends NullableBuilder {
  readonly #ends = new GrowableNumbers((length) => new Int32Array(length));

  constructor(type: Type, site: BuilderSite) {
    super(type, site);
    this.#ends.extend(1);
  }

  protected abstract get items(): number;

  protected closeValue(): void {
    this.#ends.extend(1)[this.#ends.length - 1] = this.items;
  }

  protected override pushSlot(): void {
    this.closeValue();
  }

  protected takeOffsets(): Int32Array {
    const offsets = this.#ends.take();
    this.#ends.extend(1);
    return offsets;
  }

  protected override ownBytes(): number {
    return this.#ends.byteLength;
  }
}

/** Lists. */
export class ListBuilder extends ItemsBuilder {
  readonly #elements: NullableBuilder;

  constructor(type: Type, site: BuilderSite, elements: NullableBuilder) {
    super(type, site);
    this.#elements = elements;
  }

  protected override get items(): number {
    return this.#elements.length;
  }

  protected override pushValue(value: Present): void {
    if (!isList(value)) throw this.notA("a list");
    for (const element of value) this.#elements.append(element);
    this.closeValue();
  }

  protected override takeParts(): Partial<ColumnParts> {
    return { offsets: this.takeOffsets(), children: [this.#elements.finish()] };
  }

  protected override ownBytes(): number {
    return super.ownBytes() + this.#elements.byteLength;
  }
}

/** Maps: arrays of `[key, value]`. */
export class MapBuilder extends ItemsBuilder {
  readonly #keys: NullableBuilder;
  readonly #values: NullableBuilder;

  constructor(
    type: Type,
    site: BuilderSite,
    members: { readonly keys: NullableBuilder; readonly values: NullableBuilder },
  ) {
    super(type, site);
    this.#keys = members.keys;
    this.#values = members.values;
  }

  protected override get items(): number {
    return this.#keys.length;
  }

  protected override pushValue(value: Present): void {
    if (!isList(value)) throw this.notA("a list of keys with values");
    for (const entry of value) {
      if (!isList(entry) || entry.length !== 2) throw this.notA("a list of keys with values");
      this.#keys.append(entry[0] ?? null);
      this.#values.append(entry[1] ?? null);
    }
    this.closeValue();
  }

  protected override takeParts(): Partial<ColumnParts> {
    const length = this.items;
    const offsets = this.takeOffsets();
    const [entries] = this.type.children;
    if (entries === undefined) throw new TypeError(`Cannot find the entries of ${this.type}`);
    const children = [this.#keys.finish(), this.#values.finish()];
    return { offsets, children: [makeColumn(entries.type, { length, children })] };
  }

  protected override ownBytes(): number {
    return super.ownBytes() + this.#keys.byteLength + this.#values.byteLength;
  }
}

function isList(value: IcebergValue | undefined): value is readonly IcebergValue[] {
  return Array.isArray(value);
}
