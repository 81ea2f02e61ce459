/**
 * Rewrites manifests (Spark: `rewrite_manifests`): live entries of one partition spec, sorted by
 * partition, in manifests of the target size. No data file is touched.
 */
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import type { LoadedTable } from "../../ports.ts";
import type { ManifestSource } from "../../scan/manifest_source.ts";
import type { Snapshot } from "../../spec/snapshot.ts";
import { describeManifests } from "./_describe_manifests.ts";
import {
  type ClusteringInput,
  type ClusteringPlan,
  planClustering,
  writeClustered,
} from "./_manifest_clustering.ts";
import { manifestKey } from "./_manifest_filter.ts";
import { ManifestWriter } from "./_manifest_writer.ts";
import {
  type ProducedSnapshot,
  type SnapshotKind,
  type SnapshotOptions,
  SnapshotProducer,
  type SnapshotWork,
} from "./snapshot_producer.ts";
import { SnapshotSummaryBuilder } from "./snapshot_summary.ts";

/** Options of {@linkcode RewriteManifests}. */
export interface RewriteManifestsOptions extends SnapshotOptions {
  /** Manifests of this partition spec are rewritten; by default those of the table's current one. */
  readonly specId?: number;
  /** Names of partition fields to cluster by first; by default in the order of the spec. */
  readonly sortBy?: readonly string[];
  /** Entries held in memory at a time, in bytes; 256 MiB by default. */
  readonly maxBufferedBytes?: number;
}

/** Counts by Spark's names: `rewritten_manifests_count`, `added_manifests_count`. */
export interface RewriteManifestsResult {
  readonly rewrittenManifestsCount: number;
  readonly addedManifestsCount: number;
}

/** The action, with what its latest attempt does. */
export class RewriteManifests extends SnapshotProducer {
  readonly #kind: ManifestRewrite;

  constructor(options: RewriteManifestsOptions = {}) {
    const kind = new ManifestRewrite(options);
    super(kind, options);
    this.#kind = kind;
  }

  /** Zeros where manifests are as they should be. */
  get result(): RewriteManifestsResult {
    return this.#kind.result;
  }
}

/** Options of {@linkcode planManifestRewrite}. */
export interface PlanManifestRewriteOptions
  extends Pick<RewriteManifestsOptions, "specId" | "sortBy" | "maxBufferedBytes"> {
  readonly table: LoadedTable;
  readonly manifests: ManifestSource;
  readonly snapshot: Snapshot;
  readonly signal?: AbortSignal;
}

/** What {@linkcode RewriteManifests} would do to a snapshot; nothing is written. */
export async function planManifestRewrite(
  options: PlanManifestRewriteOptions,
): Promise<RewriteManifestsResult> {
  const { table, manifests, snapshot, signal } = options;
  const { metadata, io } = table;
  const { snapshotId } = snapshot;
  const writer = new ManifestWriter({ metadata, io, operationId: "plan", snapshotId });
  const attempt = { table, manifests, signal };
  const all = await describeManifests(snapshot, attempt);
  const plans: ClusteringPlan[] = [];
  for (const input of inputs(all, { attempt, metadata, writer }, options)) {
    plans.push(await planClustering(input));
  }
  return resultOf(plans);
}

interface Rewritten {
  readonly plan: ClusteringPlan;
  readonly written: readonly ManifestFile[];
}

/** What was written, and for what. */
interface Prepared {
  readonly writer: ManifestWriter;
  readonly data: Rewritten;
  readonly deletes: Rewritten;
}

class ManifestRewrite implements SnapshotKind {
  readonly name = "rewrite manifests";
  readonly #options: RewriteManifestsOptions;
  #prepared: Prepared | null = null;
  result: RewriteManifestsResult = { rewrittenManifestsCount: 0, addedManifestsCount: 0 };

  constructor(options: RewriteManifestsOptions) {
    this.#options = options;
  }

  async produce(work: SnapshotWork): Promise<ProducedSnapshot | null> {
    const prepared = this.#prepared = this.#isStillValid(work)
      ? this.#prepared
      : await this.#prepare(work);
    if (prepared === null) return null;
    const { data, deletes } = prepared;
    this.result = resultOf([data.plan, deletes.plan]);
    const replaced = new Set([...data.plan.replaced, ...deletes.plan.replaced].map(manifestKey));
    if (replaced.size === 0) return null;
    const kept = work.manifests.filter((manifest) => !replaced.has(manifestKey(manifest)));
    const of = (content: ManifestFile["content"]) =>
      kept.filter((manifest) => manifest.content === content);
    const summary = new SnapshotSummaryBuilder(work.metadata);
    summary.manifests({
      created: data.written.length + deletes.written.length,
      kept: kept.length,
      replaced: replaced.size,
    });
    summary.set("entries-processed", entryCount(data) + entryCount(deletes));
    const manifests = [
      ...data.written,
      ...of("data"),
      ...deletes.written,
      ...of("deletes"),
    ];
    return { operation: "replace", manifests, summary };
  }

  /** What was written serves as long as everything it replaces is still there. */
  #isStillValid({ writer, manifests }: SnapshotWork): boolean {
    const prepared = this.#prepared;
    if (prepared === null || prepared.writer !== writer) return false;
    const there = new Set(manifests.map(manifestKey));
    const { data, deletes } = prepared;
    const replaced = [...data.plan.replaced, ...deletes.plan.replaced];
    // Where nothing was to be done, look again: there may be something now.
    return replaced.length > 0 && replaced.every((manifest) => there.has(manifestKey(manifest)));
  }

  async #prepare(work: SnapshotWork): Promise<Prepared> {
    const [data, deletes] = inputs(work.manifests, work, this.#options);
    return {
      writer: work.writer,
      data: await rewrite(data),
      deletes: await rewrite(deletes),
    };
  }
}

async function rewrite(input: ClusteringInput): Promise<Rewritten> {
  const plan = await planClustering(input);
  return { plan, written: plan.replaced.length === 0 ? [] : await writeClustered(input, plan) };
}

function inputs(
  manifests: readonly ManifestFile[],
  work: ClusteringInput["work"],
  options: Pick<RewriteManifestsOptions, "specId" | "sortBy" | "maxBufferedBytes">,
): readonly [ClusteringInput, ClusteringInput] {
  const { specId = work.metadata.defaultSpecId, sortBy, maxBufferedBytes } = options;
  const input = (content: ManifestFile["content"]): ClusteringInput => ({
    work,
    kind: { content, specId },
    manifests: manifests.filter((manifest) =>
      manifest.content === content && manifest.partitionSpecId === specId
    ),
    ...(sortBy === undefined ? {} : { sortBy }),
    ...(maxBufferedBytes === undefined ? {} : { maxBufferedBytes }),
  });
  return [input("data"), input("deletes")];
}

function resultOf(plans: readonly ClusteringPlan[]): RewriteManifestsResult {
  return {
    rewrittenManifestsCount: plans.reduce((sum, { replaced }) => sum + replaced.length, 0),
    addedManifestsCount: plans.reduce((sum, { added }) => sum + added, 0),
  };
}

function entryCount({ plan }: Rewritten): number {
  return plan.replaced.length === 0 ? 0 : plan.order.size;
}
