/**
 * Writes the manifests of one snapshot, splits them by size, and remembers what it wrote, so that it
 * can be read back before it is committed and removed if it never is.
 */
import { AppError, corruptData, displayPath } from "../../../errors.ts";
import { stringifyJson } from "../../../json.ts";
import { Pacer } from "../../../pacer.ts";
import type { ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { readManifest } from "../../manifest/read_manifest.ts";
import { writeManifest, type WriteManifestOptions } from "../../manifest/write_manifest.ts";
import type { FileIo } from "../../ports.ts";
import { MAX_MANIFEST_BYTES, partitionFieldsBySpec } from "../../scan/manifest_source.ts";
import { partitionFieldsToJson, schemaToJson } from "../../spec/metadata_parts.ts";
import { partitionType } from "../../spec/partition_type.ts";
import type { PartitionSpec } from "../../spec/partition_spec.ts";
import {
  currentSchema,
  type FormatVersion,
  schemaOfSpec,
  type TableMetadata,
} from "../../spec/table_metadata.ts";
import { manifestPath } from "./_file_names.ts";

/** Entries that are encoded to learn how many bytes one takes. */
export const SAMPLE_ENTRIES = 1_000;

/** Names that may be taken before a writer gives up: another transaction of the operation has them. */
const MAX_NAME_TRIES = 40;

/** Options of {@linkcode ManifestWriter}. */
export interface ManifestWriterOptions {
  readonly metadata: TableMetadata;
  readonly io: FileIo;
  readonly operationId: string;
  /** The snapshot that will add the manifests. */
  readonly snapshotId: bigint;
  /** Number of the first manifest. */
  readonly firstNumber?: number;
}

/** What a manifest is to hold. */
export interface ManifestKind {
  readonly content: ManifestFile["content"];
  readonly specId: number;
}

/** Writes manifests under the names of one operation. */
export class ManifestWriter {
  readonly snapshotId: bigint;
  readonly formatVersion: FormatVersion;
  readonly #metadata: TableMetadata;
  readonly #options: ManifestWriterOptions;
  readonly #written = new Map<string, ManifestFile>();
  #next: number;

  constructor(options: ManifestWriterOptions) {
    this.#options = options;
    this.#metadata = options.metadata;
    this.snapshotId = options.snapshotId;
    this.formatVersion = options.metadata.formatVersion;
    this.#next = options.firstNumber ?? 0;
  }

  /** Locations of all manifests written. */
  get locations(): Iterable<string> {
    return this.#written.keys();
  }

  /** Number of the next manifest. */
  get nextNumber(): number {
    return this.#next;
  }

  /** Whether what was written for one table may go into another state of it. */
  fits(metadata: TableMetadata): boolean {
    const { formatVersion, currentSchemaId, partitionSpecs } = this.#metadata;
    return metadata.formatVersion === formatVersion &&
      metadata.currentSchemaId === currentSchemaId &&
      metadata.partitionSpecs.length === partitionSpecs.length &&
      partitionSpecs.every((spec) =>
        metadata.partitionSpecs.some((other) => other.specId === spec.specId)
      );
  }

  /** Whether a manifest is one of these: not committed, so that its entries inherit nothing. */
  wrote(manifest: ManifestFile): boolean {
    return this.#written.has(manifest.manifestPath);
  }

  /** Writes entries of one spec into as many manifests as `targetBytes` asks for, in their order. */
  async write(
    entries: readonly ManifestEntry[],
    options: ManifestKind & { readonly targetBytes: number },
  ): Promise<readonly ManifestFile[]> {
    const parts = this.split(entries, options);
    const manifests: ManifestFile[] = [];
    const pacer = new Pacer();
    for (const part of parts) {
      manifests.push(await this.writeOne(part, options));
      await pacer.breathe();
    }
    return manifests;
  }

  /** Cuts entries into lists of about equal length, each of at most about `targetBytes`. */
  split(
    entries: readonly ManifestEntry[],
    options: ManifestKind & { readonly targetBytes: number },
  ): readonly (readonly ManifestEntry[])[] {
    if (entries.length === 0) return [];
    if (entries.length <= SAMPLE_ENTRIES) return [entries];
    const sample = entries.slice(0, SAMPLE_ENTRIES);
    const bytes = this.measure(sample, options) / sample.length * entries.length;
    const count = Math.max(1, Math.ceil(bytes / Math.max(1, options.targetBytes)));
    const length = Math.ceil(entries.length / count);
    return Array.from(
      { length: Math.ceil(entries.length / length) },
      (_, i) => entries.slice(i * length, (i + 1) * length),
    );
  }

  /** Bytes of a manifest of these entries, which is not stored. */
  measure(entries: Iterable<ManifestEntry>, kind: ManifestKind): number {
    return writeManifest(entries, this.#describe(kind, "")).bytes.length;
  }

  /** Writes one manifest of any size. */
  async writeOne(entries: Iterable<ManifestEntry>, kind: ManifestKind): Promise<ManifestFile> {
    const { io, operationId } = this.#options;
    let location = manifestPath(this.#metadata, { operationId, number: this.#next++ });
    const { bytes, manifest } = writeManifest(entries, this.#describe(kind, location));
    for (let tries = 1, step = 1;; tries++, step *= 2) {
      try {
        await io.createIfAbsent(location, bytes);
        break;
      } catch (error) {
        const taken = error instanceof AppError && error.kind === "already_exists";
        if (!taken || tries === MAX_NAME_TRIES) throw error;
        // An earlier transaction of this operation got there: its manifests keep their names.
        this.#next += step;
        location = manifestPath(this.#metadata, { operationId, number: this.#next++ });
      }
    }
    const written = { ...manifest, manifestPath: location };
    this.#written.set(location, written);
    return written;
  }

  /** Reads back what {@linkcode ManifestWriter.wrote}, without inheritance. */
  async read(manifest: ManifestFile, signal?: AbortSignal): Promise<readonly ManifestEntry[]> {
    const bytes = await this.#options.io.read(manifest.manifestPath, {
      maxBytes: MAX_MANIFEST_BYTES,
      ...(signal === undefined ? {} : { signal }),
    });
    const fields = partitionFieldsBySpec(this.#metadata).get(manifest.partitionSpecId);
    const steps = readManifest(bytes, {
      manifest,
      uncommitted: true,
      ...(fields === undefined ? {} : { partitionFields: fields }),
    });
    const pacer = new Pacer();
    const entries: ManifestEntry[] = [];
    for (const step of steps) {
      for (const entry of step) entries.push(entry);
      await pacer.breathe(signal);
    }
    return entries;
  }

  /** An entry that stays: a file of an older snapshot, or one that another of these added. */
  keep(entry: ManifestEntry, manifest: ManifestFile): ManifestEntry {
    if (entry.status === "added" && this.wrote(manifest)) return entry;
    return this.#numbered({ ...entry, status: "existing" }, manifest);
  }

  /** An entry that this snapshot removes. */
  remove(entry: ManifestEntry, manifest: ManifestFile): ManifestEntry {
    return this.#numbered({ ...entry, status: "deleted", snapshotId: this.snapshotId }, manifest);
  }

  /** The spec that files of `specId` follow. */
  specOf(specId: number): PartitionSpec {
    const spec = this.#metadata.partitionSpecs.find((one) => one.specId === specId);
    if (spec !== undefined) return spec;
    throw new AppError(
      "conflict",
      "partition_spec_not_found",
      `Cannot write files of partition spec ${specId}: the table no longer has it; plan them anew`,
    );
  }

  /** Existing and deleted entries carry their numbers themselves (spec: "Manifest Entry Fields"). */
  #numbered(entry: ManifestEntry, manifest: ManifestFile): ManifestEntry {
    const { snapshotId, sequenceNumber } = entry;
    if (this.formatVersion === 1) return entry;
    if (snapshotId !== null && sequenceNumber !== null) {
      // The first writers of v2 knew no file sequence numbers; files had one number then.
      return { ...entry, fileSequenceNumber: entry.fileSequenceNumber ?? sequenceNumber };
    }
    const { filePath } = entry.dataFile;
    throw corruptData(
      "manifest_malformed",
      `Cannot rewrite manifest "${displayPath(manifest.manifestPath)}": its entry of ` +
        `"${displayPath(filePath)}" lacks its snapshot id or sequence numbers`,
      { context: { location: manifest.manifestPath, filePath } },
    );
  }

  #describe({ content, specId }: ManifestKind, manifestPath: string): WriteManifestOptions {
    const schema = currentSchema(this.#metadata);
    const spec = this.specOf(specId);
    return {
      formatVersion: this.formatVersion,
      content,
      manifestPath,
      snapshotId: this.snapshotId,
      schemaId: schema.schemaId,
      schemaJson: stringifyJson(schemaToJson(schema)),
      specId,
      partitionSpecJson: stringifyJson(partitionFieldsToJson(spec)),
      partitionType: partitionType(spec, schemaOfSpec(this.#metadata, spec)),
    };
  }
}
