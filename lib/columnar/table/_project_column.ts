/** Projection of one column, at any depth: see `project_batch.ts`. */
import { type Data, Type as ArrowTypeId } from "apache-arrow";
import type { AppError } from "../../errors.ts";
import {
  type IcebergValue,
  isPrimitive,
  type ListType,
  type MapType,
  type NestedField,
  type StructType,
  type Type,
} from "../../iceberg/spec/types.ts";
import { arrowType } from "../arrow/arrow_schema.ts";
import { getBit } from "../arrow/bitmap.ts";
import { castColumn } from "../arrow/cast_column.ts";
import { checkExact, type Exactness } from "../arrow/check_exact.ts";
import type { ColumnFault } from "../arrow/column_error.ts";
import { sliceColumn } from "../arrow/concat_columns.ts";
import { constantColumn } from "../arrow/constant_column.ts";
import { makeColumn, nullsOf, offsetsOf, storedOffsets, validityOf } from "../arrow/layout.ts";
import { plainColumn } from "../arrow/plain.ts";
import type { FileField } from "./file_fields.ts";

/** Brings a column of the file into the form of the table's column. */
export type ColumnProjector = (column: Data) => Data;

/** What all columns of a file share. */
export interface ProjectContext {
  readonly faultOf: (column: string) => ColumnFault;
  /** Values of columns that the file lacks, by field id: identity partitions. */
  readonly constants: ReadonlyMap<number, IcebergValue>;
  readonly exactness: Exactness;
}

/** A member of the table's schema: what projection needs of a field. */
type Member = Omit<NestedField, "id" | "doc" | "writeDefault">;

/** The projector from a field of the file to a field of the table. */
export function compileColumn(
  source: FileField,
  field: Member,
  context: ProjectContext,
): ColumnProjector {
  const project = compileType(source, field, context);
  const fault = context.faultOf(field.name);
  if (!field.required) return project;
  return (column) => {
    const projected = project(column);
    if (nullsOf(projected) > 0) throw nullInRequired(fault, firstNull(projected));
    return projected;
  };
}

/** What a column holds that the file lacks: its partition's value, its default, or null. */
export function absentValue(
  field: NestedField,
  constants: ReadonlyMap<number, IcebergValue>,
): IcebergValue {
  const constant = constants.get(field.id);
  // A null partition value is a value: the rows are null there, whatever the default.
  if (constant === undefined) return field.initialDefault ?? null;
  // Partitions written before a promotion keep integers of the old width.
  return typeof constant === "number" && field.type.kind === "long" ? BigInt(constant) : constant;
}

function compileType(source: FileField, field: Member, context: ProjectContext): ColumnProjector {
  const { type, name } = field;
  const { faultOf, constants, exactness } = context;
  const fault = faultOf(name);
  if (isPrimitive(type)) {
    return (column) => {
      checkExact(column, type, { exactness, fault });
      return castColumn(column, type, fault);
    };
  }
  const below = { constants, exactness, faultOf: (member: string) => faultOf(`${name}.${member}`) };
  switch (type.kind) {
    case "struct":
      return compileStruct(source, { type, fault, below });
    case "list":
      return compileList(source, { type, fault, below });
    case "map":
      return compileMap(source, { type, fault, below });
  }
}

interface Nested<T extends Type> {
  readonly type: T;
  readonly fault: ColumnFault;
  /** For members. */
  readonly below: ProjectContext;
}

function compileStruct(source: FileField, nested: Nested<StructType>): ColumnProjector {
  const { type, fault, below } = nested;
  const target = arrowType(type);
  const byId = new Map(source.children.map((child, at) => [child.id, { child, at }]));
  const members = type.fields.map((field) => {
    const found = byId.get(field.id);
    if (found !== undefined) {
      const project = compileType(found.child, field, below);
      return (struct: Data) => project(childOf(struct, found.at));
    }
    const value = absentValue(field, below.constants);
    if (value === null && field.required) throw missingMember(below.faultOf(field.name));
    return (struct: Data) =>
      constantColumn(field.type, value, { length: struct.length, column: field.name });
  });
  return (column) => {
    const struct = expect(column, ArrowTypeId.Struct, { wanted: "struct", fault });
    const { length } = struct;
    const children = members.map((member) => member(struct));
    type.fields.forEach((field, at) => {
      const child = children[at];
      const row = field.required && child !== undefined ? firstOwnNull(child, struct) : -1;
      if (row >= 0) throw nullInRequired(below.faultOf(field.name), row);
    });
    const validity = validityOf(struct);
    if (validity === null) return makeColumn(target, { length, children });
    // The bitmap starts at the struct's own offset; its children start at their own.
    return struct.clone(target, struct.offset, length, struct.nullCount, undefined, children);
  };
}

function compileList(source: FileField, nested: Nested<ListType>): ColumnProjector {
  const { type, fault, below } = nested;
  const target = arrowType(type);
  const element: Member = {
    name: "element",
    required: type.elementRequired,
    type: type.element,
    initialDefault: undefined,
  };
  const [child] = source.children;
  const rows = new ItemRows(below);
  const project = child === undefined ? null : compileColumn(child, element, rows.context);
  return (column) => {
    const plain = plainColumn(column);
    if (project === null || !isList(plain)) throw wrongType(plain, "list", fault);
    const { items, offsets } = reachedItems(plain);
    rows.offsets = offsets;
    return nestedColumn(plain, { target, offsets, child: project(items) });
  };
}

function compileMap(source: FileField, nested: Nested<MapType>): ColumnProjector {
  const { type, fault, below } = nested;
  const target = arrowType(type);
  const entriesType = target.children[0]?.type;
  const [keySource, valueSource] = source.children;
  const key = { name: "key", required: true, type: type.key, initialDefault: undefined };
  const value = {
    name: "value",
    required: type.valueRequired,
    type: type.value,
    initialDefault: undefined,
  };
  const rows = new ItemRows(below);
  const projectKey = keySource === undefined ? null : compileColumn(keySource, key, rows.context);
  const projectValue = valueSource === undefined
    ? null
    : compileColumn(valueSource, value, rows.context);
  return (column) => {
    const plain = plainColumn(column);
    if (plain.typeId !== ArrowTypeId.Map || projectKey === null || projectValue === null) {
      throw wrongType(plain, "map", fault);
    }
    const { items, offsets } = reachedItems(plain);
    rows.offsets = offsets;
    const children = [projectKey(childOf(items, 0)), projectValue(childOf(items, 1))];
    const child = makeColumn(entriesType, { length: items.length, children });
    return nestedColumn(plain, { target, offsets, child });
  };
}

/** The items that a slice of lists reaches, and offsets that count from the first of them. */
function reachedItems(lists: Data): { readonly items: Data; readonly offsets: Int32Array } {
  const own = fixedOffsets(lists) ?? offsetsOf(lists);
  const { length } = lists;
  const first = own[0] ?? 0;
  const last = own[length] ?? first;
  const child = childOf(lists, 0);
  const items = first === 0 && last === child.length
    ? child
    : sliceColumn(child, { at: first, length: last - first });
  if (first === 0 && own instanceof Int32Array) return { items, offsets: own };
  const offsets = new Int32Array(length + 1);
  for (let row = 0; row <= length; row++) offsets[row] = own[row]! - first;
  return { items, offsets };
}

function fixedOffsets(lists: Data): Int32Array | null {
  if (lists.typeId !== ArrowTypeId.FixedSizeList) return null;
  return Int32Array.from({ length: lists.length + 1 }, (_, row) => lists.stride * row);
}

interface NestedParts {
  readonly target: Data["type"];
  readonly offsets: Int32Array;
  readonly child: Data;
}

/** The lists or maps with another child; validity stays as it is. */
function nestedColumn(lists: Data, { target, offsets, child }: NestedParts): Data {
  const { offset, length, nullBitmap } = lists;
  const nullCount = nullsOf(lists);
  const buffers = [storedOffsets(offsets), undefined, nullCount === 0 ? undefined : nullBitmap];
  return lists.clone(target, offset, length, nullCount, buffers as never, [child]);
}

/** Faults of items name the row that they are in. */
class ItemRows {
  readonly context: ProjectContext;
  /** Of the lists at hand. */
  offsets: Int32Array = new Int32Array(1);

  constructor(below: ProjectContext) {
    this.context = {
      ...below,
      faultOf: (column) => {
        const fault = below.faultOf(column);
        return (detail, item) => fault(detail, item === null ? null : this.#rowOf(item));
      },
    };
  }

  #rowOf(item: number): number {
    return Math.max(0, this.offsets.findIndex((offset) => offset > item) - 1);
  }
}

/** The first row that is null; -1 for none. */
function firstNull(column: Data): number {
  const validity = validityOf(column);
  for (let row = 0; row < column.length; row++) {
    if (validity === null || !getBit(validity, column.offset + row)) return row;
  }
  return -1;
}

/** The first row in which a member is null and its struct is not; -1 for none. */
function firstOwnNull(member: Data, struct: Data): number {
  if (nullsOf(member) === 0) return -1;
  const outer = validityOf(struct);
  const inner = validityOf(member);
  for (let row = 0; row < struct.length; row++) {
    const isNull = inner === null || !getBit(inner, member.offset + row);
    if (isNull && (outer === null || getBit(outer, struct.offset + row))) return row;
  }
  return -1;
}

function isList(column: Data): boolean {
  return column.typeId === ArrowTypeId.List || column.typeId === ArrowTypeId.LargeList ||
    column.typeId === ArrowTypeId.FixedSizeList;
}

function expect(
  column: Data,
  typeId: ArrowTypeId,
  { wanted, fault }: { readonly wanted: string; readonly fault: ColumnFault },
): Data {
  const plain = plainColumn(column);
  if (plain.typeId !== typeId) throw wrongType(plain, wanted, fault);
  return plain;
}

function childOf(column: Data, at: number): Data {
  const child = column.children[at];
  if (child === undefined) throw new TypeError(`Cannot find child ${at} of ${column.type}`);
  return child;
}

function wrongType(column: Data, wanted: string, fault: ColumnFault): AppError {
  return fault(`it holds ${column.type}, wanted ${wanted}`, null);
}

function nullInRequired(fault: ColumnFault, row: number): AppError {
  return fault("it holds null and is required", row);
}

function missingMember(fault: ColumnFault): AppError {
  return fault("the file lacks it, and it is required without a default", null);
}
