/**
 * A snapshot that adds files to its parent's and takes others out: what appends, overwrites, deletes,
 * row deltas and rewrites have in common.
 *
 * ```
 * parent's manifests ─► check ─► without removed data files ─► without their deletes ─► verify
 *                                                                                        │
 *                       summary ◄─ small ones merged ◄─ new manifests in front ◄─────────┘
 * ```
 */
import { AppError, displayPath } from "../../../errors.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { isDeletionVector } from "../../scan/delete_index.ts";
import { type FilteredManifests, isLive, ManifestFilter } from "./_manifest_filter.ts";
import { ManifestMerger } from "./_manifest_merger.ts";
import { type ManifestProperties, manifestProperties } from "./_manifest_properties.ts";
import type { ManifestWriter } from "./_manifest_writer.ts";
import {
  type AddedFile,
  checkAddedFiles,
  checkDeleteFormat,
  fileKey,
  writeAdded,
} from "./_new_manifests.ts";
import {
  dataFilter,
  deleteFilter,
  missingFiles,
  NO_REMOVAL,
  type Removal,
  removesData,
  vectorTargets,
} from "./_removal.ts";
import type { ProducedSnapshot, SnapshotKind, SnapshotWork } from "./snapshot_producer.ts";
import { type SnapshotOperation, SnapshotSummaryBuilder } from "./snapshot_summary.ts";

/** What a snapshot has come to, for the choice of its operation. */
export interface ChangeKinds {
  readonly addsData: boolean;
  readonly addsDeletes: boolean;
  readonly removesData: boolean;
}

/** What was removed from the parent. */
export interface RemovedFiles {
  readonly data: readonly ManifestEntry[];
  readonly deletes: readonly ManifestEntry[];
  /** Locations of named files that the parent does not have. */
  readonly missing: readonly string[];
}

/** What a snapshot adds and removes. */
export interface FileChanges {
  readonly name: string;
  readonly addedData?: readonly AddedFile[];
  readonly addedDeletes?: readonly AddedFile[];
  readonly removal?: Removal;
  /** False to leave the table's manifests as they are; true by default. */
  readonly mergeManifests?: boolean;
  readonly operation: (changes: ChangeKinds) => SnapshotOperation;
  /** What the summary says beside its counts. */
  readonly summary?: Readonly<Record<string, string>>;
  /** Validates the parent before anything is written; throws to refuse. */
  readonly check?: (work: SnapshotWork) => Promise<void>;
  /** Validates what was removed; by default named files must have been there. */
  readonly verify?: (removed: RemovedFiles, work: SnapshotWork) => void | Promise<void>;
}

/** What is kept from one attempt to the next. */
class Prepared {
  readonly writer: ManifestWriter;
  readonly data: ManifestFilter;
  readonly deletes: ManifestFilter;
  readonly dataMerger: ManifestMerger;
  readonly deleteMerger: ManifestMerger;
  /** Data files whose vectors the delete filter has been told to remove. */
  targets: ReadonlySet<string> = new Set();
  added:
    | { readonly data: readonly ManifestFile[]; readonly deletes: readonly ManifestFile[] }
    | null = null;

  constructor(writer: ManifestWriter) {
    this.writer = writer;
    this.data = new ManifestFilter(writer);
    this.deletes = new ManifestFilter(writer);
    this.dataMerger = new ManifestMerger(writer);
    this.deleteMerger = new ManifestMerger(writer);
  }
}

/** Makes snapshots from {@linkcode FileChanges}. */
export class MergingSnapshot implements SnapshotKind {
  readonly name: string;
  readonly #changes: FileChanges;
  readonly #addedData: readonly AddedFile[];
  readonly #addedDeletes: readonly AddedFile[];
  readonly #removal: Removal;
  #prepared: Prepared | null = null;

  /** Files that contradict each other are a `TypeError`. */
  constructor(changes: FileChanges) {
    this.name = changes.name;
    this.#changes = changes;
    this.#addedData = changes.addedData ?? [];
    this.#addedDeletes = changes.addedDeletes ?? [];
    this.#removal = changes.removal ?? NO_REMOVAL;
    checkAddedFiles([...this.#addedData, ...this.#addedDeletes]);
    checkContents(this.#addedData.map(({ file }) => file), true);
    checkContents(this.#addedDeletes.map(({ file }) => file), false);
    checkContents(this.#removal.data.map(({ dataFile }) => dataFile), true);
    checkContents(this.#removal.deletes.map(({ dataFile }) => dataFile), false);
    checkOverlap(this.#addedData, this.#addedDeletes, this.#removal);
  }

  async produce(work: SnapshotWork): Promise<ProducedSnapshot | null> {
    checkDeleteFormat(this.#addedDeletes, work.metadata.formatVersion);
    await this.#changes.check?.(work);
    const prepared = this.#prepared?.writer === work.writer
      ? this.#prepared
      : this.#prepared = new Prepared(work.writer);
    const data = await this.#filterData(work, prepared);
    const deletes = await this.#filterDeletes(work, prepared, data.removed);
    await this.#verify(data, deletes, work);
    const kinds = {
      addsData: this.#addedData.length > 0,
      addsDeletes: this.#addedDeletes.length > 0,
      removesData: data.removed.length > 0,
    };
    const adds = kinds.addsData || kinds.addsDeletes;
    const removes = data.removed.length + deletes.removed.length > 0;
    // An append of nothing still tells something in its properties; a delete of nothing does not.
    if (!adds && !removes && this.#changes.removal !== undefined) return null;
    return await this.#combine({ data, deletes, kinds }, work, prepared);
  }

  async #combine(
    filtered: {
      readonly data: FilteredManifests;
      readonly deletes: FilteredManifests;
      readonly kinds: ChangeKinds;
    },
    work: SnapshotWork,
    prepared: Prepared,
  ): Promise<ProducedSnapshot> {
    const { data, deletes, kinds } = filtered;
    const properties = this.#mergeProperties(work);
    const added = prepared.added ??= await this.#writeAdded(work, properties);
    const { manifests: source, signal } = work.attempt;
    const options = { properties, manifests: source, signal };
    const isKept = (manifest: ManifestFile) => isLive(manifest) || work.writer.wrote(manifest);
    const mergedData = await prepared.dataMerger.merge(
      [...added.data, ...data.manifests].filter(isKept),
      options,
    );
    const mergedDeletes = await prepared.deleteMerger.merge(
      [...added.deletes, ...deletes.manifests].filter(isKept),
      options,
    );
    const manifests = [...mergedData.manifests, ...mergedDeletes.manifests];
    const summary = new SnapshotSummaryBuilder(work.metadata);
    for (const { file } of [...this.#addedData, ...this.#addedDeletes]) summary.added(file);
    for (const entry of [...data.removed, ...deletes.removed]) summary.removed(entry.dataFile);
    summary.removedAgain(data.duplicates + deletes.duplicates);
    for (const [name, value] of Object.entries(this.#changes.summary ?? {})) {
      summary.set(name, value);
    }
    const created = manifests.filter((manifest) => work.writer.wrote(manifest)).length;
    summary.manifests({
      created,
      kept: manifests.length - created,
      replaced: data.replaced + deletes.replaced + mergedData.replaced + mergedDeletes.replaced,
    });
    return { operation: this.#changes.operation(kinds), manifests, summary };
  }

  #mergeProperties({ metadata }: SnapshotWork): ManifestProperties {
    const properties = manifestProperties(metadata.properties);
    return this.#changes.mergeManifests === false
      ? { ...properties, mergeEnabled: false }
      : properties;
  }

  async #writeAdded(work: SnapshotWork, { targetSizeBytes: targetBytes }: ManifestProperties) {
    const { writer } = work;
    return {
      data: await writeAdded(this.#addedData, { writer, content: "data", targetBytes }),
      deletes: await writeAdded(this.#addedDeletes, { writer, content: "deletes", targetBytes }),
    };
  }

  async #filterData(work: SnapshotWork, prepared: Prepared): Promise<FilteredManifests> {
    const manifests = work.manifests.filter((manifest) => manifest.content === "data");
    if (!removesData(this.#removal)) return untouched(manifests);
    const filter = dataFilter(this.#removal, work.metadata);
    return await prepared.data.apply(manifests, filter, work.attempt);
  }

  async #filterDeletes(
    work: SnapshotWork,
    prepared: Prepared,
    removed: readonly ManifestEntry[],
  ): Promise<FilteredManifests> {
    const manifests = work.manifests.filter((manifest) => manifest.content === "deletes");
    if (manifests.length === 0) return untouched(manifests);
    const superseding = [
      ...removed.map((entry) => entry.dataFile),
      ...this.#addedDeletes.map(({ file }) => file).filter(isDeletionVector),
    ];
    const targets = vectorTargets(superseding);
    if (targets.symmetricDifference(prepared.targets).size > 0) prepared.deletes.reset();
    prepared.targets = targets;
    const filter = deleteFilter({ removal: this.#removal, metadata: work.metadata, superseding });
    return await prepared.deletes.apply(manifests, filter, work.attempt);
  }

  async #verify(
    data: FilteredManifests,
    deletes: FilteredManifests,
    work: SnapshotWork,
  ): Promise<void> {
    const removal = this.#removal;
    const found = new Set(data.removed.map((entry) => entry.dataFile.filePath));
    const removed: RemovedFiles = {
      data: data.removed,
      deletes: deletes.removed,
      missing: [
        ...missingFiles(removal.data, data.removed),
        ...removal.paths.filter((path) => !found.has(path)),
        ...missingFiles(removal.deletes, deletes.removed),
      ],
    };
    const { verify = requireAll } = this.#changes;
    await verify(removed, work);
  }
}

/** Every named file must have been there. */
export function requireAll({ missing }: RemovedFiles): void {
  const [first] = missing;
  if (first === undefined) return;
  throw new AppError(
    "conflict",
    "files_missing",
    `Cannot remove "${displayPath(first)}": the table no longer has it` +
      (missing.length > 1 ? `, nor ${missing.length - 1} others` : "") +
      "; look at the table again",
    { context: { missing } },
  );
}

function untouched(manifests: readonly ManifestFile[]): FilteredManifests {
  return { manifests, removed: [], duplicates: 0, replaced: 0 };
}

function checkContents(files: readonly DataFile[], areData: boolean): void {
  const wrong = files.find((file) => (file.content === "data") !== areData);
  if (wrong === undefined) return;
  const name = displayPath(wrong.filePath);
  throw new TypeError(`Cannot take "${name}" for a file of ${areData ? "data" : "deletes"}`);
}

/** A file that comes and goes in one snapshot, or a delete for a file that goes, is a mistake. */
function checkOverlap(
  addedData: readonly AddedFile[],
  addedDeletes: readonly AddedFile[],
  removal: Removal,
): void {
  const gone = new Set([
    ...removal.data.map(({ dataFile }) => dataFile.filePath),
    ...removal.paths,
    ...removal.deletes.map(({ dataFile }) => fileKey(dataFile)),
  ]);
  for (const { file } of [...addedData, ...addedDeletes]) {
    const name = displayPath(file.filePath);
    if (gone.has(fileKey(file))) throw new TypeError(`Cannot add and remove "${name}" at once`);
    if (file.referencedDataFile !== null && gone.has(file.referencedDataFile)) {
      throw new TypeError(`Cannot add deletes "${name}" for a data file that is removed`);
    }
  }
}
