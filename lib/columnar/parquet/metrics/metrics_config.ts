/**
 * Which metrics a table keeps of which column (`write.metadata.metrics.*`), as Iceberg's Java
 * library resolves them.
 */
import { type Schema, walkFields } from "../../../iceberg/spec/schema.ts";
import type { SortOrder } from "../../../iceberg/spec/sort_order.ts";
import { isPrimitive, type NestedField, type Type } from "../../../iceberg/spec/types.ts";

/** What is kept of a column; sizes are kept by all but `none`. */
export type MetricsMode =
  | { readonly kind: "none" }
  | { readonly kind: "counts" }
  /** Bounds cut to this many characters or bytes. */
  | { readonly kind: "truncate"; readonly length: number }
  | { readonly kind: "full" };

/** The mode of each leaf by its field id; fields that are not there keep nothing. */
export type MetricsConfig = ReadonlyMap<number, MetricsMode>;

/** Options of {@linkcode metricsConfig}. */
export interface MetricsConfigOptions {
  readonly schema: Schema;
  readonly properties: Readonly<Record<string, string>>;
  /** Columns that files are sorted by always keep bounds, unless a property says otherwise. */
  readonly sortOrder?: SortOrder | null;
}

const DEFAULT_PROPERTY = "write.metadata.metrics.default";
const COLUMN_PREFIX = "write.metadata.metrics.column.";
const MAX_INFERRED_PROPERTY = "write.metadata.metrics.max-inferred-column-defaults";
const MAX_INFERRED = 100;

/** Transforms whose results do not have the order of their sources. */
const UNORDERED: ReadonlySet<string> = new Set(["bucket", "void", "unknown"]);

const NONE: MetricsMode = { kind: "none" };
const TRUNCATE_16: MetricsMode = { kind: "truncate", length: 16 };

/** The mode of every leaf of the schema. */
export function metricsConfig(options: MetricsConfigOptions): MetricsConfig {
  const { schema, properties, sortOrder } = options;
  const leaves = [...walkFields(schema.asStruct())].filter(({ field }) => isPrimitive(field.type));
  const given = properties[DEFAULT_PROPERTY];
  const modes = new Map<number, MetricsMode>();
  const standard = given === undefined ? TRUNCATE_16 : parseMetricsMode(given) ?? TRUNCATE_16;
  const limit = maxInferred(properties);
  const inferred = given !== undefined || leaves.length <= limit
    ? leaves.map(({ field }) => field.id)
    : firstLeaves(schema.fields, limit);
  const fallback = inferred.length === leaves.length ? standard : NONE;
  for (const { field } of leaves) modes.set(field.id, NONE);
  for (const id of inferred) modes.set(id, standard);
  for (const { sourceIds, transform } of sortOrder?.fields ?? []) {
    const [sourceId = -1, ...others] = sourceIds;
    if (others.length > 0 || UNORDERED.has(transform.kind) || !modes.has(sourceId)) continue;
    const keepsNone = fallback.kind === "none" || fallback.kind === "counts";
    modes.set(sourceId, keepsNone ? TRUNCATE_16 : fallback);
  }
  for (const { field, name } of leaves) {
    const text = properties[COLUMN_PREFIX + name];
    if (text !== undefined) modes.set(field.id, parseMetricsMode(text) ?? fallback);
  }
  return modes;
}

/** The modes of position delete files: their two columns in full. */
export function positionDeleteMetrics(fieldIds: readonly number[]): MetricsConfig {
  return new Map(fieldIds.map((id) => [id, { kind: "full" }]));
}

/** Parses `none`, `counts`, `truncate(16)` or `full`; null for anything else. */
export function parseMetricsMode(text: string): MetricsMode | null {
  const lower = text.trim().toLowerCase();
  if (lower === "none" || lower === "counts" || lower === "full") return { kind: lower };
  const digits = /^truncate\((\d{1,9})\)$/.exec(lower)?.[1];
  const length = Number(digits ?? 0);
  return length > 0 ? { kind: "truncate", length } : null;
}

function maxInferred(properties: Readonly<Record<string, string>>): number {
  const text = properties[MAX_INFERRED_PROPERTY]?.trim() ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : MAX_INFERRED;
}

/** The first leaves: those of a struct come before those of the structs inside of it. */
function firstLeaves(fields: readonly NestedField[], limit: number): readonly number[] {
  const ids: number[] = [];
  const visit = (members: readonly { readonly id: number; readonly type: Type }[]) => {
    for (const { id, type } of members) {
      if (ids.length < limit && isPrimitive(type)) ids.push(id);
    }
    for (const { type } of members) {
      if (ids.length < limit && !isPrimitive(type)) visit(membersOf(type));
    }
  };
  visit(fields);
  return ids;
}

function membersOf(type: Type): readonly { readonly id: number; readonly type: Type }[] {
  switch (type.kind) {
    case "struct":
      return type.fields;
    case "list":
      return [{ id: type.elementId, type: type.element }];
    case "map":
      return [{ id: type.keyId, type: type.key }, { id: type.valueId, type: type.value }];
    default:
      return [];
  }
}
