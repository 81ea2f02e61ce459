/**
 * Random predicates: as SQL for Spark, as a tree for PyIceberg, and as what they mean for a row. Values
 * are taken from the rows, where bounds and partitions end.
 */
import { columnPath } from "../../../lib/iceberg/ddl/column_name.ts";
import type {
  IcebergValue,
  NestedField,
  PrimitiveType,
  Type,
} from "../../../lib/iceberg/spec/types.ts";
import { isPrimitive } from "../../../lib/iceberg/spec/types.ts";
import type { ModelRow, ModelTable } from "./model_table.ts";
import type { Random } from "./random.ts";

/** One predicate in every form. */
export interface Predicate {
  readonly sql: string;
  /** As `pyiceberg_read.py` takes it; null where PyIceberg cannot evaluate it. */
  readonly tree: readonly unknown[] | null;
  /** By SQL's logic of three values. */
  readonly matches: (row: ModelRow) => boolean | null;
}

/** A column that predicates can be about. */
interface Column {
  readonly field: NestedField & { readonly type: PrimitiveType };
  readonly path: readonly string[];
  readonly valueOf: (row: ModelRow) => IcebergValue;
}

/** Types with an order that all engines agree on, and with literals in all of them. */
const ORDERED: ReadonlySet<string> = new Set([
  "int",
  "long",
  "date",
  "timestamp",
  "timestamptz",
  "string",
  "decimal",
]);
/** Engines disagree about where NaN stands, so that only what leaves it out can be asked. */
const FLOATS: ReadonlySet<string> = new Set(["float", "double"]);
const OPERATORS = ["=", "<", "<=", ">", ">=", "!="] as const;

/** A predicate, or two of them together. */
export function randomPredicate(random: Random, table: ModelTable): Predicate {
  const first = simple(random, table);
  if (random.chance(0.5)) return first;
  const second = simple(random, table);
  const isAnd = random.chance(0.5);
  const tree = first.tree === null || second.tree === null
    ? null
    : [isAnd ? "and" : "or", first.tree, second.tree];
  return {
    sql: `(${first.sql}) ${isAnd ? "AND" : "OR"} (${second.sql})`,
    tree,
    matches: (row) => {
      const [a, b] = [first.matches(row), second.matches(row)];
      if (a === !isAnd || b === !isAnd) return !isAnd;
      return a === null || b === null ? null : isAnd;
    },
  };
}

function simple(random: Random, table: ModelTable): Predicate {
  const column = random.pick(columnsOf(table));
  const { field: { type }, path, valueOf } = column;
  const sql = path.map((part) => `\`${part.replaceAll("`", "``")}\``).join(".");
  const name = isForPyiceberg(column, table) ? path[0] : null;
  const treeOf = (...parts: readonly unknown[]) => name === null ? null : parts;
  const values = table.rows.map(valueOf).filter((value) => value !== null && isPlain(value, type));
  if (values.length === 0 || random.chance(0.1)) {
    const isNull = random.chance(0.5);
    return {
      sql: `${sql} IS ${isNull ? "" : "NOT "}NULL`,
      tree: treeOf(isNull ? "null" : "not null", name),
      matches: (row) => (valueOf(row) === null) === isNull,
    };
  }
  if (type.kind === "string" && random.chance(0.3)) {
    const prefix = [...String(random.pick(values))].slice(0, random.int(1, 3)).join("");
    return {
      sql: `startswith(${sql}, ${literal(type, prefix)})`,
      tree: treeOf("starts", name, prefix),
      matches: onValue(valueOf, (value) => String(value).startsWith(prefix)),
    };
  }
  if (random.chance(0.2)) {
    const some = random.some(values, 3);
    return {
      sql: `${sql} IN (${some.map((value) => literal(type, value)).join()})`,
      // Of decimals it wants all to have as many digits as the first.
      tree: type.kind === "decimal"
        ? null
        : treeOf("in", name, some.map((value) => sent(type, value))),
      matches: onValue(valueOf, (value) => some.some((one) => compare(value, one) === 0)),
    };
  }
  const operator = random.pick(
    ORDERED.has(type.kind)
      ? OPERATORS
      : FLOATS.has(type.kind)
      ? (["=", "<", "<="] as const)
      : (["="] as const),
  );
  const value = random.pick(values);
  return {
    sql: `${sql} ${operator} ${literal(type, value)}`,
    tree: treeOf(operator, name, sent(type, value)),
    matches: onValue(valueOf, (one) => holds(operator, one, value)),
  };
}

/** Java compares UUIDs as pairs of signed numbers, and loses those beyond the sign, in its own tables too. */
function isAskable(field: NestedField): field is Column["field"] {
  const { type } = field;
  return isPrimitive(type) &&
    (ORDERED.has(type.kind) || FLOATS.has(type.kind) || type.kind === "boolean") &&
    // Its filter of row groups takes a column that a file does not have for null, default or not.
    (field.initialDefault ?? null) === null;
}

function columnsOf({ schema }: ModelTable): readonly Column[] {
  const path = (id: number) => columnPath(schema, id) ?? [];
  return schema.fields.flatMap((field, at): Column[] => {
    const { type } = field;
    if (isAskable(field)) {
      return [{ field, path: path(field.id), valueOf: (row) => row[at] ?? null }];
    }
    if (type.kind !== "struct") return [];
    return type.fields.flatMap((child, place) =>
      isAskable(child)
        ? [{
          field: child,
          path: path(child.id),
          valueOf: (row: ModelRow) => (row[at] as ModelRow | null)?.[place] ?? null,
        }]
        : []
    );
  });
}

/** It looks for columns by their last name, and cannot compare partition values that are null. */
function isForPyiceberg({ field, path }: Column, { partitioned }: ModelTable): boolean {
  return path.length === 1 && !partitioned.has(field.id);
}

/**
 * Zeros of both signs are equal to some and ordered to others; the smallest integers, cut to a
 * width, come out as large ones in Java.
 */
function isPlain(value: IcebergValue, type: Type): boolean {
  if (type.kind === "float" || type.kind === "double") {
    return Number.isFinite(value) && value !== 0;
  }
  return value !== -(2n ** 63n) && value !== -(2 ** 31);
}

function onValue(valueOf: Column["valueOf"], test: (value: IcebergValue) => boolean) {
  return (row: ModelRow) => {
    const value = valueOf(row);
    return value === null ? null : test(value);
  };
}

function holds(
  operator: typeof OPERATORS[number],
  one: IcebergValue,
  other: IcebergValue,
): boolean {
  if (Number.isNaN(one)) return operator === "!=";
  const order = compare(one, other);
  switch (operator) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

/** Text goes by its bytes. */
function compare(one: IcebergValue, other: IcebergValue): number {
  if (typeof one === "string" && typeof other === "string") {
    const [a, b] = [one, other].map((text) => new TextEncoder().encode(text).toHex());
    return a! < b! ? -1 : a === b ? 0 : 1;
  }
  return one! < other! ? -1 : one! > other! ? 1 : Object.is(one, NaN) ? NaN : 0;
}

/** A literal of Spark that is none of another type. */
function literal(type: PrimitiveType, value: IcebergValue): string {
  switch (type.kind) {
    case "int":
      return `CAST('${value}' AS INT)`;
    case "long":
      return `CAST('${value}' AS BIGINT)`;
    case "float":
    case "double":
      return `CAST('${value}' AS ${type.kind.toUpperCase()})`;
    case "decimal":
      return `CAST('${
        decimalText(type.scale, value as bigint)
      }' AS DECIMAL(${type.precision}, ${type.scale}))`;
    case "date":
      return `date_from_unix_date(${value})`;
    case "timestamptz":
      return `timestamp_micros(${value})`;
    case "timestamp":
      return `CAST(timestamp_micros(${value}) AS TIMESTAMP_NTZ)`;
    case "string":
      return `CAST(X'${new TextEncoder().encode(String(value)).toHex()}' AS STRING)`;
    default:
      return String(value);
  }
}

/** A value for PyIceberg: what JSON has no type for, as text with its type. */
function sent(type: PrimitiveType, value: IcebergValue): unknown {
  switch (type.kind) {
    case "decimal":
      return { decimal: decimalText(type.scale, value as bigint) };
    default:
      return typeof value === "bigint" ? { long: String(value) } : value;
  }
}

function decimalText(scale: number, unscaled: bigint): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  const whole = digits.slice(0, digits.length - scale);
  return scale === 0 ? `${sign}${digits}` : `${sign}${whole}.${digits.slice(-scale)}`;
}
