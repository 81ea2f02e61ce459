/** A row filter as it looks at manifests and files, through the partition spec of each. */
import { bind } from "../../expression/bind.ts";
import type { BoundExpression } from "../../expression/bound.ts";
import type { Expression } from "../../expression/expression.ts";
import { manifestMatcher } from "../../expression/match_manifest.ts";
import {
  equalityMetricsMayMatch,
  metricsMayMatch,
  metricsMustMatch,
} from "../../expression/match_metrics.ts";
import { projectInclusive } from "../../expression/project.ts";
import { residualFor } from "../../expression/residual.ts";
import type { DataFile } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import type { PartitionSpec } from "../../spec/partition_spec.ts";
import { currentSchema, type TableMetadata } from "../../spec/table_metadata.ts";

interface SpecFilter {
  readonly mayHold: (manifest: ManifestFile) => boolean;
  readonly residual: (partition: DataFile["partition"]) => BoundExpression;
}

interface PartitionFilter {
  readonly residual: BoundExpression;
  readonly mayMatch: (file: DataFile) => boolean;
  readonly mustMatch: (file: DataFile) => boolean;
  readonly mayDelete: (file: DataFile) => boolean;
}

/** A filter bound to a table's current schema. */
export class RowFilter {
  readonly #filter: BoundExpression;
  readonly #metadata: TableMetadata;
  readonly #specs = new Map<number, SpecFilter>();
  /** By spec. Files of a partition share their tuple, so most are found by its identity. */
  readonly #partitions = new Map<number, WeakMap<DataFile["partition"], PartitionFilter>>();

  /** Throws `invalid` where the filter does not fit the schema. */
  constructor(where: Expression, metadata: TableMetadata) {
    this.#filter = bind(where, currentSchema(metadata));
    this.#metadata = metadata;
  }

  /** Whether a manifest may list a file with matching rows. */
  mayHold(manifest: ManifestFile): boolean {
    const filter = this.#filter;
    if (filter.kind === "constant" && !filter.value) return false;
    return this.#spec(manifest.partitionSpecId).mayHold(manifest);
  }

  /** Whether a file may hold a matching row, or a delete file remove one. */
  mayMatch(file: DataFile): boolean {
    const partition = this.#partition(file);
    if (file.content === "data") return partition.mayMatch(file);
    if (file.content === "equality_deletes") return partition.mayDelete(file);
    // Metrics of position deletes speak of paths and positions.
    return !isConstant(partition.residual, false);
  }

  /** Whether every row of a data file is known to match. */
  mustMatch(file: DataFile): boolean {
    return this.#partition(file).mustMatch(file);
  }

  /** Whether every row of the file's partition matches. */
  coversPartition(file: DataFile): boolean {
    return isConstant(this.#partition(file).residual, true);
  }

  #partition({ specId, partition }: DataFile): PartitionFilter {
    let ofSpec = this.#partitions.get(specId);
    if (ofSpec === undefined) this.#partitions.set(specId, ofSpec = new WeakMap());
    let known = ofSpec.get(partition);
    if (known === undefined) {
      const residual = this.#spec(specId).residual(partition);
      ofSpec.set(partition, known = partitionFilter(residual));
    }
    return known;
  }

  #spec(specId: number): SpecFilter {
    let known = this.#specs.get(specId);
    if (known === undefined) {
      const spec = this.#metadata.partitionSpecs.find((one) => one.specId === specId);
      if (spec === undefined) throw new TypeError(`Cannot filter files of unknown spec ${specId}`);
      this.#specs.set(specId, known = specFilter(this.#filter, spec));
    }
    return known;
  }
}

function specFilter(filter: BoundExpression, spec: PartitionSpec): SpecFilter {
  return {
    mayHold: manifestMatcher(projectInclusive(filter, spec), spec),
    residual: residualFor(filter, spec),
  };
}

function partitionFilter(residual: BoundExpression): PartitionFilter {
  return {
    residual,
    mayMatch: metricsMayMatch(residual),
    mustMatch: metricsMustMatch(residual),
    mayDelete: equalityMetricsMayMatch(residual),
  };
}

function isConstant(expression: BoundExpression, value: boolean): boolean {
  return expression.kind === "constant" && expression.value === value;
}
