/** Table properties that name columns, after their columns were renamed, dropped or added. */
import { AppError } from "../../errors.ts";
import { stringifyJson } from "../../json.ts";
import { NAME_MAPPING_PROPERTY, nameMappingOf } from "../spec/name_mapping.ts";
import type { Schema } from "../spec/schema.ts";
import { evolveNameMapping, nameMappingToJson } from "./_name_mapping.ts";

/** Keys that end in the full name of a column. */
const COLUMN_PREFIXES: readonly string[] = [
  "write.metadata.metrics.column.",
  "write.parquet.bloom-filter-enabled.column.",
  "write.parquet.bloom-filter-fpp.column.",
  "write.parquet.bloom-filter-ndv.column.",
  "write.parquet.stats-enabled.column.",
];

/** What to change about a table's properties. */
export interface PropertyChange {
  readonly updates: Readonly<Record<string, string>>;
  readonly removals: readonly string[];
  /** The name mapping cannot be read, and so was left alone. */
  readonly nameMappingUnreadable: boolean;
}

/**
 * Follows the columns: settings of a renamed one move along, those of a dropped one go. The name
 * mapping, which files without field ids are read by, learns new names and keeps the old ones, as
 * those files still have them.
 */
export function evolveProperties(
  before: Schema,
  after: Schema,
  properties: Readonly<Record<string, string>>,
): PropertyChange {
  const updates: Record<string, string> = {};
  const removals: string[] = [];
  for (const [key, value] of Object.entries(properties)) {
    const prefix = COLUMN_PREFIXES.find((one) => key.startsWith(one));
    const column = prefix === undefined ? undefined : before.findByName(key.slice(prefix.length));
    if (prefix === undefined || column === undefined) continue;
    const renamed = after.findById(column.field.id)?.name;
    if (renamed === column.name) continue;
    removals.push(key);
    if (renamed !== undefined) updates[`${prefix}${renamed}`] = value;
  }
  const mapping = evolveMapping(before, after, properties);
  if (mapping.text !== null) updates[NAME_MAPPING_PROPERTY] = mapping.text;
  return {
    updates,
    // Two columns may have swapped their names.
    removals: removals.filter((key) => updates[key] === undefined),
    nameMappingUnreadable: mapping.unreadable,
  };
}

function evolveMapping(
  before: Schema,
  after: Schema,
  properties: Readonly<Record<string, string>>,
): { readonly text: string | null; readonly unreadable: boolean } {
  try {
    const mapping = nameMappingOf(properties);
    if (mapping === null) return { text: null, unreadable: false };
    const fields = evolveNameMapping(mapping.fields, { before, after });
    const text = stringifyJson(nameMappingToJson(fields));
    const same = text === stringifyJson(nameMappingToJson(mapping.fields));
    return { text: same ? null : text, unreadable: false };
  } catch (error) {
    // A mapping that nobody can read must not keep a table from evolving; the caller is told.
    if (!(error instanceof AppError)) throw error;
    return { text: null, unreadable: true };
  }
}
