/**
 * Where scans get manifests from: a port, so that caches of parsed manifests fit in, and the
 * plain implementation over `FileIo`.
 */
import { Pacer } from "../../pacer.ts";
import type { ManifestEntry } from "../manifest/data_file.ts";
import { type ManifestFile, UNDESCRIBED_MANIFEST } from "../manifest/manifest_file.ts";
import { readManifestHeader } from "../manifest/manifest_header.ts";
import {
  ALL_DATA_FILE_COLUMNS,
  type DataFileColumn,
  readManifest,
} from "../manifest/read_manifest.ts";
import { type PartitionFieldRef, partitionFieldRefs } from "../manifest/partition_tuple.ts";
import { readManifestList } from "../manifest/read_manifest_list.ts";
import type { FileIo } from "../ports.ts";
import { partitionType } from "../spec/partition_type.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import { schemaOfSpec, type TableMetadata } from "../spec/table_metadata.ts";
import { mapOrdered } from "./_map_ordered.ts";

/** Bounds a read of a manifest list. */
export interface ManifestListRead {
  readonly signal?: AbortSignal;
}

/** Bounds a read of a manifest. */
export interface ManifestRead {
  /** What of each file to decode beyond what every file has; all by default. */
  readonly columns?: ReadonlySet<DataFileColumn>;
  readonly signal?: AbortSignal;
}

/** Manifests by their place in a table. Both kinds of file never change once written. */
export interface ManifestSource {
  /** The manifests of a snapshot, in the order of its manifest list. */
  manifestsOf(snapshot: Snapshot, read?: ManifestListRead): Promise<readonly ManifestFile[]>;
  /** The entries of a manifest, in its order, after inheritance, deleted ones included. */
  entriesOf(manifest: ManifestFile, read?: ManifestRead): Promise<readonly ManifestEntry[]>;
}

/** Largest manifest list or manifest that is read, in bytes; writers aim for 8 MiB. */
export const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;
/** Manifests read at a time unless a caller says otherwise. */
export const DEFAULT_MANIFEST_CONCURRENCY = 8;

/** Reads manifests of `metadata`'s table through `io`, without a cache. */
export function manifestSource(io: FileIo, metadata: TableMetadata): ManifestSource {
  const partitionFields = partitionFieldsBySpec(metadata);
  return {
    async manifestsOf(snapshot, read = {}) {
      if (snapshot.manifestList === null) return await inlineManifests(io, snapshot, read);
      const location = snapshot.manifestList;
      return readManifestList(await readWhole(io, location, read), { location });
    },
    async entriesOf(manifest, read = {}) {
      const { columns = ALL_DATA_FILE_COLUMNS, signal } = read;
      const bytes = await readWhole(io, manifest.manifestPath, read);
      const fields = partitionFields.get(manifest.partitionSpecId);
      const steps = readManifest(bytes, {
        manifest,
        columns,
        ...(fields === undefined ? {} : { partitionFields: fields }),
      });
      const pacer = new Pacer();
      const entries: ManifestEntry[] = [];
      for (const step of steps) {
        for (const entry of step) entries.push(entry);
        await pacer.breathe(signal);
      }
      return entries;
    },
  };
}

async function readWhole(
  io: FileIo,
  location: string,
  read: { readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  const { signal } = read;
  return await io.read(location, {
    maxBytes: MAX_MANIFEST_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Tuples in the spec's order, in the memory form of their columns' types. */
export function partitionFieldsBySpec(
  metadata: TableMetadata,
): ReadonlyMap<number, readonly PartitionFieldRef[]> {
  return new Map(metadata.partitionSpecs.map((spec) => {
    const type = partitionType(spec, schemaOfSpec(metadata, spec));
    return [spec.specId, partitionFieldRefs(type)];
  }));
}

/** v1 snapshots may name their manifests inline; what a list would say is in each one's header. */
async function inlineManifests(
  io: FileIo,
  snapshot: Snapshot,
  read: ManifestListRead,
): Promise<readonly ManifestFile[]> {
  const manifests: ManifestFile[] = [];
  const describe = async (location: string, signal: AbortSignal) =>
    describeManifest(location, await readWhole(io, location, { signal }));
  const options = { concurrency: DEFAULT_MANIFEST_CONCURRENCY, signal: read.signal };
  for await (const manifest of mapOrdered(snapshot.manifests ?? [], describe, options)) {
    manifests.push(manifest);
  }
  return manifests;
}

function describeManifest(location: string, bytes: Uint8Array): ManifestFile {
  const { partitionSpecId, content } = readManifestHeader(bytes, { location });
  const manifestLength = bytes.length;
  return {
    ...UNDESCRIBED_MANIFEST,
    manifestPath: location,
    manifestLength,
    partitionSpecId,
    content,
  };
}
