/** Snapshots, references and the two logs as metadata writes them. */
import type { JsonOutput } from "../../../json.ts";
import type { Snapshot, SnapshotRef } from "../snapshot.ts";
import type { FormatVersion, MetadataLogEntry, SnapshotLogEntry } from "../table_metadata.ts";
import { MAX_NAME_LENGTH, MAX_REFS, MAX_SNAPSHOTS } from "./limits.ts";
import { WireObject, WireProblem } from "./reader.ts";

/** How the wire says "no snapshot" where it does not leave the field out. */
export const NO_SNAPSHOT = -1n;

const SNAPSHOT_KEYS: ReadonlySet<string> = new Set([
  "snapshot-id",
  "parent-snapshot-id",
  "sequence-number",
  "timestamp-ms",
  "manifest-list",
  "manifests",
  "summary",
  "schema-id",
  "first-row-id",
  "added-rows",
  "key-id",
]);
const REF_KEYS: ReadonlySet<string> = new Set([
  "snapshot-id",
  "type",
  "min-snapshots-to-keep",
  "max-snapshot-age-ms",
  "max-ref-age-ms",
]);

/** Reads a snapshot. v1 has no sequence numbers; snapshots from before an upgrade have none either. */
export function readSnapshot(wire: WireObject, version: FormatVersion): Snapshot {
  const manifestList = wire.optional("manifest-list", (key) => wire.text(key));
  return {
    snapshotId: wire.long("snapshot-id"),
    parentSnapshotId: readSnapshotId(wire, "parent-snapshot-id"),
    sequenceNumber: version === 1
      ? 0n
      : wire.optional("sequence-number", (key) => wire.long(key)) ?? 0n,
    timestampMs: wire.safeInteger("timestamp-ms"),
    manifestList,
    // "Must be omitted if manifest-list is present": then the list counts.
    manifests: manifestList === null ? readManifests(wire) : null,
    summary: wire.textMap("summary"),
    schemaId: wire.optional("schema-id", (key) => wire.int(key)),
    firstRowId: wire.optional("first-row-id", (key) => wire.long(key)),
    addedRows: wire.optional("added-rows", (key) => wire.long(key)),
    keyId: wire.optional("key-id", (key) => wire.text(key)),
    ...wire.extra(SNAPSHOT_KEYS),
  };
}

/** Inverse of {@linkcode readSnapshot}. */
export function writeSnapshot(snapshot: Snapshot, version: FormatVersion): JsonOutput {
  const { parentSnapshotId, manifestList, manifests, summary, schemaId } = snapshot;
  const { firstRowId, addedRows, keyId } = snapshot;
  return {
    ...snapshot.extra,
    ...(version === 1 ? {} : { "sequence-number": snapshot.sequenceNumber }),
    "snapshot-id": snapshot.snapshotId,
    ...(parentSnapshotId === null ? {} : { "parent-snapshot-id": parentSnapshotId }),
    "timestamp-ms": snapshot.timestampMs,
    ...(Object.keys(summary).length === 0 ? {} : { summary }),
    ...(manifestList === null ? { manifests: manifests ?? [] } : { "manifest-list": manifestList }),
    ...(schemaId === null ? {} : { "schema-id": schemaId }),
    ...(firstRowId === null ? {} : { "first-row-id": firstRowId }),
    ...(addedRows === null ? {} : { "added-rows": addedRows }),
    ...(keyId === null ? {} : { "key-id": keyId }),
  };
}

/** A snapshot id, null where it is absent or the sentinel. */
export function readSnapshotId(wire: WireObject, key: string): bigint | null {
  const id = wire.optional(key, (name) => wire.long(name));
  return id === NO_SNAPSHOT ? null : id;
}

/** Reads the map of references; empty where there is none. */
export function readRefs(wire: WireObject, key: string): Map<string, SnapshotRef> {
  const refs = new Map<string, SnapshotRef>();
  if (!wire.has(key)) return refs;
  const object = wire.object(key);
  for (const [name, json] of object.entries(MAX_REFS)) {
    if (name.length > MAX_NAME_LENGTH) {
      throw new WireProblem(
        object.at(name),
        `has a name of more than ${MAX_NAME_LENGTH} characters`,
      );
    }
    refs.set(name, readRef(name, new WireObject(json, object.at(name))));
  }
  return refs;
}

/** Inverse of {@linkcode readRefs}. */
export function writeRefs(refs: ReadonlyMap<string, SnapshotRef>): JsonOutput {
  const json: Record<string, JsonOutput> = Object.create(null);
  for (const [name, ref] of refs) json[name] = writeRef(ref);
  return json;
}

/** Reads the history of current snapshots. Its ids may be of snapshots that have expired. */
export function readSnapshotLog(wire: WireObject, key: string): SnapshotLogEntry[] {
  if (!wire.has(key)) return [];
  return wire.objects(key, MAX_SNAPSHOTS).map((entry) => ({
    timestampMs: entry.safeInteger("timestamp-ms"),
    snapshotId: entry.long("snapshot-id"),
  }));
}

/** Reads the list of earlier metadata files. */
export function readMetadataLog(wire: WireObject, key: string): MetadataLogEntry[] {
  if (!wire.has(key)) return [];
  return wire.objects(key, MAX_SNAPSHOTS).map((entry) => ({
    timestampMs: entry.safeInteger("timestamp-ms"),
    metadataFile: entry.text("metadata-file"),
  }));
}

function readManifests(wire: WireObject): string[] {
  if (wire.has("manifests")) return wire.texts("manifests");
  throw wire.problem("manifest-list", "is missing, expected a string");
}

function readRef(name: string, wire: WireObject): SnapshotRef {
  const positive = (key: string) => wire.optional(key, () => wire.atLeast(key, 1));
  return {
    name,
    snapshotId: wire.long("snapshot-id"),
    type: wire.word("type", ["branch", "tag"]),
    minSnapshotsToKeep: positive("min-snapshots-to-keep"),
    maxSnapshotAgeMs: positiveLong(wire, "max-snapshot-age-ms"),
    maxRefAgeMs: positiveLong(wire, "max-ref-age-ms"),
    ...wire.extra(REF_KEYS),
  };
}

/** Ages are longs: Java's largest means "for ever", and so does the largest safe integer here. */
function positiveLong(wire: WireObject, key: string): number | null {
  if (!wire.has(key)) return null;
  const value = wire.long(key);
  if (value < 1n) throw wire.problem(key, `is ${value}, not at least 1`);
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

/** Inverse of {@linkcode readRefs} for one reference, without its name. */
export function writeRef(ref: SnapshotRef): Readonly<Record<string, JsonOutput>> {
  const { minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs } = ref;
  return {
    ...ref.extra,
    "snapshot-id": ref.snapshotId,
    type: ref.type,
    ...(minSnapshotsToKeep === null ? {} : { "min-snapshots-to-keep": minSnapshotsToKeep }),
    ...(maxSnapshotAgeMs === null ? {} : { "max-snapshot-age-ms": maxSnapshotAgeMs }),
    ...(maxRefAgeMs === null ? {} : { "max-ref-age-ms": maxRefAgeMs }),
  };
}
