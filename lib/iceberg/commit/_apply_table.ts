/** Updates of the table as a whole: identity, version, place, properties. */
import { edited, invalidUpdate, type MetadataDraft, type UpdateOf } from "./_draft.ts";

/** `assign-uuid`: for v1 tables that have none. Another one would make it another table. */
export function assignUuid(
  draft: MetadataDraft,
  update: UpdateOf<"assign-uuid">,
): MetadataDraft {
  const uuid = update.uuid.toLowerCase();
  const { tableUuid } = draft.metadata;
  if (tableUuid === uuid) return draft;
  if (tableUuid === null) return edited(draft, { tableUuid: uuid });
  throw invalidUpdate(`Cannot assign UUID ${uuid} to the table: it has ${tableUuid}`);
}

/** `upgrade-format-version`: never down. Row ids are counted from the first v3 snapshot on. */
export function upgradeFormatVersion(
  draft: MetadataDraft,
  update: UpdateOf<"upgrade-format-version">,
): MetadataDraft {
  const { formatVersion, nextRowId } = draft.metadata;
  const next = update.formatVersion;
  if (next === formatVersion) return draft;
  if (next < formatVersion) {
    throw invalidUpdate(
      `Cannot make a table of format version ${formatVersion} one of version ${next}: ` +
        "versions only go up",
    );
  }
  return edited(draft, { formatVersion: next, nextRowId: next < 3 ? null : nextRowId ?? 0n });
}

/** `set-location`: without the slashes at its end. */
export function setLocation(
  draft: MetadataDraft,
  update: UpdateOf<"set-location">,
): MetadataDraft {
  let { location } = update;
  while (location.endsWith("/") && !location.endsWith("://")) location = location.slice(0, -1);
  if (location === "") throw invalidUpdate("Cannot set the table's location: it is empty");
  return location === draft.metadata.location ? draft : edited(draft, { location });
}

/** `set-properties`. */
export function setProperties(
  draft: MetadataDraft,
  { updates }: UpdateOf<"set-properties">,
): MetadataDraft {
  const { properties } = draft.metadata;
  const entries = Object.entries(updates);
  const has = ([key, value]: [string, string]) =>
    Object.hasOwn(properties, key) && properties[key] === value;
  if (entries.every(has)) return draft;
  return edited(draft, { properties: toRecord([...Object.entries(properties), ...entries]) });
}

/** `remove-properties`: keys that are not set are passed over. */
export function removeProperties(
  draft: MetadataDraft,
  { removals }: UpdateOf<"remove-properties">,
): MetadataDraft {
  const { properties } = draft.metadata;
  if (!removals.some((key) => Object.hasOwn(properties, key))) return draft;
  const left = Object.entries(properties).filter(([key]) => !removals.includes(key));
  return edited(draft, { properties: toRecord(left) });
}

/** Without a prototype, so that `__proto__` is a key like any other. */
function toRecord(entries: readonly (readonly [string, string])[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (const [key, value] of entries) record[key] = value;
  return record;
}
