/** Pruning by partition, compiled once per partition spec: manifests of one scan differ in theirs. */
import { corruptData } from "../../errors.ts";
import type { BoundExpression } from "../expression/bound.ts";
import { manifestMatcher } from "../expression/match_manifest.ts";
import { partitionMatcher } from "../expression/match_row.ts";
import { projectInclusive } from "../expression/project.ts";
import { residualFor } from "../expression/residual.ts";
import type { DataFile } from "../manifest/data_file.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import type { PartitionSpec } from "../spec/partition_spec.ts";

/** What a filter means for one partition. */
interface PartitionVerdict {
  readonly mayMatch: boolean;
  readonly residual: BoundExpression;
}

/** A filter seen through one partition spec. */
export class SpecPruner {
  readonly spec: PartitionSpec;
  readonly #mayHold: (manifest: ManifestFile) => boolean;
  readonly #mayMatch: (partition: DataFile["partition"]) => boolean;
  readonly #residual: (partition: DataFile["partition"]) => BoundExpression;
  /** Files of a partition share their tuple, so most verdicts are found by its identity. */
  readonly #verdicts = new WeakMap<DataFile["partition"], PartitionVerdict>();

  constructor(filter: BoundExpression, spec: PartitionSpec) {
    const projected = projectInclusive(filter, spec);
    this.spec = spec;
    this.#mayHold = manifestMatcher(projected, spec);
    this.#mayMatch = partitionMatcher(projected, spec);
    this.#residual = residualFor(filter, spec);
  }

  /** Whether a manifest has live files, one of which may match. */
  mayHold(manifest: ManifestFile): boolean {
    const { addedFilesCount: added, existingFilesCount: existing } = manifest;
    // Counts that a v1 writer left out may be anything.
    return !(added === 0 && existing === 0) && this.#mayHold(manifest);
  }

  /** Whether rows of a partition may match, and what is left to test if so. */
  judge(partition: DataFile["partition"]): PartitionVerdict {
    let verdict = this.#verdicts.get(partition);
    if (verdict === undefined) {
      verdict = { mayMatch: this.#mayMatch(partition), residual: this.#residual(partition) };
      this.#verdicts.set(partition, verdict);
    }
    return verdict;
  }
}

/** Pruners of every spec of a table, made when a manifest needs one. */
export class SpecPruners {
  readonly #filter: BoundExpression;
  readonly #specs: ReadonlyMap<number, PartitionSpec>;
  readonly #pruners = new Map<number, SpecPruner>();

  constructor(filter: BoundExpression, specs: readonly PartitionSpec[]) {
    this.#filter = filter;
    this.#specs = new Map(specs.map((spec) => [spec.specId, spec]));
  }

  /** The pruner of a manifest's own spec, whatever the table's spec is now. */
  forManifest(manifest: ManifestFile): SpecPruner {
    const { partitionSpecId } = manifest;
    let pruner = this.#pruners.get(partitionSpecId);
    if (pruner === undefined) {
      const spec = this.#specs.get(partitionSpecId);
      if (spec === undefined) throw unknownSpec(partitionSpecId);
      this.#pruners.set(partitionSpecId, pruner = new SpecPruner(this.#filter, spec));
    }
    return pruner;
  }
}

function unknownSpec(specId: number) {
  return corruptData(
    "partition_spec_not_found",
    `Cannot read a manifest of partition spec ${specId}: the table has no such spec`,
  );
}
