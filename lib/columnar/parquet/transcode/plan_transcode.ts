/**
 * Whether a file's pages can be read as those of a table schema: then its rows go from file to file
 * without ever becoming rows in JavaScript.
 */
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { NestedField, PrimitiveType } from "../../../iceberg/spec/types.ts";
import type { LogicalType } from "../footer/logical_type.ts";
import type { ParquetLeaf, ParquetNode, ParquetSchema } from "../footer/schema_tree.ts";
import type { ParquetSource } from "../read/parquet_source.ts";
import { type WriteSchema, writeSchemaOf } from "../write/parquet_schema.ts";

/** Options of {@linkcode planTranscode}. */
export interface TranscodeOptions {
  /** Of the rows to write. */
  readonly schema: Pick<Schema, "fields">;
  /** Field ids of leaves, for files that carry none; by default those of the file. */
  readonly fieldIdOf?: (leaf: ParquetLeaf) => number | null;
}

/** How a file's chunks become those of another file. */
export interface TranscodePlan {
  readonly source: ParquetSource;
  /** For each leaf to write, the leaf of the file; null where the file has none, which is null. */
  readonly leaves: readonly (number | null)[];
}

/**
 * Plans a file; null where its rows have to be read: a type was promoted, a nested field or one with
 * a default was added, or another writer stores values another way. Columns that the schema does not
 * have are left out. Throws `unsupported` where the schema cannot be written.
 */
export function planTranscode(
  source: ParquetSource,
  options: TranscodeOptions,
): TranscodePlan | null {
  const { fieldIdOf = (leaf: ParquetLeaf) => leaf.node.fieldId } = options;
  const target = writeSchemaOf(options.schema);
  const byId = new Map<number, ParquetLeaf>();
  for (const leaf of source.schema.leaves) {
    const id = fieldIdOf(leaf);
    if (id === null) continue;
    if (byId.has(id)) return null;
    byId.set(id, leaf);
  }
  const leaves: (number | null)[] = [];
  for (const [at, { fieldId, type }] of target.leaves.entries()) {
    const wanted = target.tree.leaves[at]!;
    const found = byId.get(fieldId);
    if (found === undefined) {
      if (!isAbsent(wanted, { target, byId })) return null;
      leaves.push(null);
    } else {
      const isSame = sameLevels(wanted, target.tree, { found, schema: source.schema }) &&
        sameValues(type, found.node);
      if (!isSame) return null;
      leaves.push(found.node.leafIndex);
    }
  }
  // Of a file without any of the columns not even the pages of nulls would have a place.
  return leaves.every((leaf) => leaf === null) ? null : { source, leaves };
}

/** Whether the whole column of a leaf is missing in the file, and null for all of its rows. */
function isAbsent(
  leaf: ParquetLeaf,
  { target, byId }: {
    readonly target: WriteSchema;
    readonly byId: ReadonlyMap<number, ParquetLeaf>;
  },
): boolean {
  const at = target.tree.columns.findIndex((column) => holds(column, leaf.node));
  const field = target.fields[at];
  const column = target.tree.columns[at];
  if (field === undefined || column === undefined || field.required) return false;
  if (hasDefault(field)) return false;
  return target.leaves.every(({ fieldId }, index) =>
    !holds(column, target.tree.leaves[index]!.node) || !byId.has(fieldId)
  );
}

function hasDefault({ initialDefault }: NestedField): boolean {
  return initialDefault !== undefined && initialDefault !== null;
}

function holds(column: ParquetNode, leaf: ParquetNode): boolean {
  return column === leaf || column.children.some((child) => holds(child, leaf));
}

/** Whether levels mean the same: equal but for nodes that are always there. */
function sameLevels(
  wanted: ParquetLeaf,
  schema: ParquetSchema,
  { found, schema: other }: { readonly found: ParquetLeaf; readonly schema: ParquetSchema },
): boolean {
  const steps = (leaf: ParquetLeaf, columns: readonly ParquetNode[]) =>
    repetitions(leaf.node, columns).filter((repetition) => repetition !== "required");
  const a = steps(wanted, schema.columns);
  const b = steps(found, other.columns);
  return a.length === b.length && a.every((repetition, at) => repetition === b[at]);
}

function repetitions(leaf: ParquetNode, columns: readonly ParquetNode[]): readonly string[] {
  const node = columns.find((column) => holds(column, leaf));
  if (node === undefined) throw new TypeError("Cannot find a leaf in its schema");
  return [node.repetition, ...(node === leaf ? [] : repetitions(leaf, node.children))];
}

/** Whether values are stored as they are to be written. */
function sameValues(type: PrimitiveType, node: ParquetNode): boolean {
  const { physicalType, typeLength, logicalType } = node;
  switch (type.kind) {
    case "boolean":
      return physicalType === "BOOLEAN";
    case "int":
      return physicalType === "INT32" && isSignedWithin(logicalType, 32);
    case "long":
      return physicalType === "INT64" && isSignedWithin(logicalType, 64);
    case "float":
      return physicalType === "FLOAT";
    case "double":
      return physicalType === "DOUBLE";
    case "date":
      return physicalType === "INT32" && logicalType?.kind === "date";
    case "time":
      return physicalType === "INT64" && logicalType?.kind === "time" &&
        logicalType.unit === "micros";
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return physicalType === "INT64" && logicalType?.kind === "timestamp" &&
        logicalType.unit === (type.kind.endsWith("_ns") ? "nanos" : "micros") &&
        logicalType.isAdjustedToUtc === type.kind.startsWith("timestamptz");
    case "string":
      return physicalType === "BYTE_ARRAY" && isOneOf(logicalType, ["string", "enum", "json"]);
    case "binary":
      return physicalType === "BYTE_ARRAY" &&
        isOneOf(logicalType, ["string", "enum", "json", "bson"]);
    case "uuid":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === 16 &&
        isOneOf(logicalType, ["uuid"]);
    case "fixed":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === type.length &&
        isOneOf(logicalType, []);
    case "decimal":
      return logicalType?.kind === "decimal" && logicalType.scale === type.scale &&
        logicalType.precision <= type.precision && isDecimalStorage(type.precision, node);
    default:
      return false;
  }
}

/** Whether there is no annotation, or one of these. */
function isOneOf(type: LogicalType | null, kinds: readonly LogicalType["kind"][]): boolean {
  return type === null || kinds.includes(type.kind);
}

function isSignedWithin(type: LogicalType | null, bits: number): boolean {
  return type === null || type.kind === "integer" && type.isSigned && type.bitWidth <= bits;
}

function isDecimalStorage(precision: number, { element }: ParquetNode): boolean {
  const [, wanted] = writeSchemaOf({
    fields: [{
      id: 1,
      name: "d",
      required: true,
      type: { kind: "decimal", precision, scale: 0 },
      doc: null,
      initialDefault: undefined,
      writeDefault: undefined,
    }],
  }).elements;
  return wanted?.type === element.type && wanted.typeLength === element.typeLength;
}
