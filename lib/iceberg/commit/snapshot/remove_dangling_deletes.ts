/**
 * Removes delete files that apply to no row any more (Spark: `remove-dangling-deletes`), in a
 * snapshot of its own.
 *
 * Which these are is decided anew on every attempt, by the very table that is committed to: then no
 * concurrent change, not even a rollback, can make a removed delete one that was needed.
 */
import type { ManifestEntry } from "../../manifest/data_file.ts";
import { MergingSnapshot } from "./_merging_snapshot.ts";
import { NO_REMOVAL } from "./_removal.ts";
import { findDanglingDeletes } from "./dangling_deletes.ts";
import {
  type ProducedSnapshot,
  type SnapshotKind,
  type SnapshotOptions,
  SnapshotProducer,
  type SnapshotWork,
} from "./snapshot_producer.ts";

/** The action, with what its latest attempt removes. */
export class RemoveDanglingDeletes extends SnapshotProducer {
  readonly #kind: DanglingDeletes;

  constructor(options: SnapshotOptions = {}) {
    const kind = new DanglingDeletes();
    super(kind, options);
    this.#kind = kind;
  }

  /** Entries of the delete files that the latest attempt removes; none where nothing dangles. */
  get removed(): readonly ManifestEntry[] {
    return this.#kind.removed;
  }
}

class DanglingDeletes implements SnapshotKind {
  readonly name = "remove dangling deletes";
  removed: readonly ManifestEntry[] = [];

  async produce(work: SnapshotWork): Promise<ProducedSnapshot | null> {
    const { metadata, parent: snapshot, attempt } = work;
    const { manifests, signal } = attempt;
    this.removed = snapshot === null
      ? []
      : await findDanglingDeletes({ metadata, snapshot, manifests, signal });
    if (this.removed.length === 0) return null;
    const changes = new MergingSnapshot({
      name: this.name,
      removal: { ...NO_REMOVAL, deletes: this.removed },
      operation: () => "replace",
    });
    return await changes.produce(work);
  }
}
