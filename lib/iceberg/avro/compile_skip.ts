/** Compiles an Avro type into a function that moves over a value without decoding it. */
import type { AvroCursor } from "./cursor.ts";
import { asNullable, type AvroType } from "./schema.ts";

/** Moves a cursor past one value. */
export type Skipper = (cursor: AvroCursor) => void;

/** The skipper for `type`. */
export function compileSkip(type: AvroType): Skipper {
  const varints = varintCount(type);
  if (varints !== null) return skipVarintRun(varints);
  switch (type.kind) {
    case "boolean":
    case "float":
    case "double":
    case "fixed":
      return skipWidth(type.minBytes);
    case "bytes":
    case "string":
      return (cursor) => cursor.skipBytes();
    case "array":
      return skipBlocks(compileItemsSkip(type.items), type.items.minBytes, type.items.freeSteps);
    case "map": {
      const skipValues = compileItemsSkip(type.values, { withStringKey: true });
      return skipBlocks(skipValues, 1 + type.values.minBytes, type.values.freeSteps);
    }
    case "union":
      return compileUnionSkip(type.branches, asNullable(type));
    case "record":
      return skipSequence(compileSkips(type.fields.map((field) => field.type)));
    default:
      throw new TypeError(`Cannot compile a skip of "${type.kind}"`);
  }
}

/** Skippers for consecutive values; runs of varints become one. */
export function compileSkips(types: readonly AvroType[]): readonly Skipper[] {
  const skippers: Skipper[] = [];
  let run = 0;
  for (const type of types) {
    const varints = varintCount(type);
    if (varints !== null) {
      run += varints;
      continue;
    }
    if (run > 0) skippers.push(skipVarintRun(run));
    run = 0;
    skippers.push(compileSkip(type));
  }
  if (run > 0) skippers.push(skipVarintRun(run));
  return skippers;
}

/** How many varints a value is, where it is nothing else; otherwise null. */
function varintCount(type: AvroType): number | null {
  switch (type.kind) {
    case "null":
      return 0;
    case "int":
    case "long":
    case "enum":
      return 1;
    case "record": {
      let count = 0;
      for (const field of type.fields) {
        const part = varintCount(field.type);
        if (part === null) return null;
        count += part;
      }
      return count;
    }
    default:
      return null;
  }
}

function skipVarintRun(count: number): Skipper {
  return count === 0 ? () => {} : (cursor) => cursor.skipVarints(count);
}

function skipWidth(bytes: number): Skipper {
  return (cursor) => {
    cursor.pos += bytes;
  };
}

function skipSequence(skippers: readonly Skipper[]): Skipper {
  return (cursor) => {
    for (const skip of skippers) skip(cursor);
  };
}

function compileUnionSkip(
  branches: readonly AvroType[],
  nullable: { nullIndex: number; value: AvroType } | null,
): Skipper {
  if (nullable !== null) {
    const skipValue = compileSkip(nullable.value);
    const { nullIndex } = nullable;
    return (cursor) => {
      if (readBranch(cursor, 2) !== nullIndex) skipValue(cursor);
    };
  }
  const skippers = branches.map(compileSkip);
  return (cursor) => skippers[readBranch(cursor, skippers.length)]?.(cursor);
}

/** The branch index of a union, checked. */
export function readBranch(cursor: AvroCursor, branches: number): number {
  const index = cursor.readInt();
  if (index < 0 || index >= branches) {
    cursor.fail("avro_malformed", `a union of ${branches} types holds type ${index}`);
  }
  return index;
}

/** Moves a cursor past `count` items. */
export type ItemsSkipper = (cursor: AvroCursor, count: number) => void;

/** The skipper for the items of an array or, with `withStringKey`, of a map. */
export function compileItemsSkip(
  items: AvroType,
  options: { readonly withStringKey?: boolean } = {},
): ItemsSkipper {
  const varints = options.withStringKey ? null : varintCount(items);
  if (varints !== null) return (cursor, count) => cursor.skipVarints(count * varints);
  if (items.kind === "record" && items.fields.length === 2 && !options.withStringKey) {
    const [key, value] = items.fields;
    // The shape of lower_bounds and upper_bounds, which make up most of a manifest.
    if (
      key !== undefined && varintCount(key.type) === 1 &&
      (value?.type.kind === "bytes" || value?.type.kind === "string")
    ) {
      return (cursor, count) => cursor.skipKeyedBytes(count);
    }
  }
  const skipItem = compileSkip(items);
  const keyed = options.withStringKey === true;
  return (cursor, count) => {
    for (let left = count; left > 0; left--) {
      if (keyed) cursor.skipBytes();
      skipItem(cursor);
    }
  };
}

function skipBlocks(skipItems: ItemsSkipper, minItemBytes: number, freeSteps: number): Skipper {
  return (cursor) => {
    for (;;) {
      const count = cursor.readSafeLong();
      if (count === 0) return;
      if (count < 0) {
        // A negative count comes with the block's size, made for this.
        const size = cursor.readLength();
        cursor.pos += size;
        continue;
      }
      cursor.checkItems(count, minItemBytes);
      if (minItemBytes === 0) cursor.spendFreeSteps(count);
      if (freeSteps > 1) cursor.spendFreeSteps(count * freeSteps);
      skipItems(cursor, count);
    }
  };
}
