/** The verbs of maintenance: check what was asked, and hand it to a table isolate as an operation. */
import { type Catalog, findTable, type TableLocation } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { parseWhere } from "../iceberg/expression/parse_where.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import type { JobSpec } from "../jobs/mod.ts";
import type { OperationContext, OperationRunner, StartedOperation } from "../operations/mod.ts";
import {
  compactJob,
  type CompactRequest,
  expireJob,
  type ExpireRequest,
  removeOrphansJob,
  type RemoveOrphansRequest,
  rewriteManifestsJob,
  type RewriteManifestsRequest,
} from "./contract/mod.ts";
import { chooseStrategy, precheckCompactionOptions } from "./plan/compaction_request.ts";

/** What the verbs stand on. */
export interface MaintenanceDeps {
  readonly operations: OperationRunner;
  readonly clock: Clock;
}

/** The verbs. Each needs a DataEngineer, and answers once its operation is recorded. */
export interface Maintenance {
  /** Rewrites data files into fewer, larger ones. */
  compact(ctx: OperationContext, request: CompactRequest): Promise<StartedOperation>;
  /** Drops old snapshots, and the files that only they used. */
  expire(ctx: OperationContext, request: ExpireRequest): Promise<StartedOperation>;
  /** Deletes files below the table's location that no part of the table refers to. */
  removeOrphans(ctx: OperationContext, request: RemoveOrphansRequest): Promise<StartedOperation>;
  /** Sorts the entries of manifests anew, by partition. */
  rewriteManifests(
    ctx: OperationContext,
    request: RewriteManifestsRequest,
  ): Promise<StartedOperation>;
}

/** How old orphans are, unless a request says otherwise: 3 days. */
const DEFAULT_ORPHAN_AGE_MS = 3 * 86_400_000;
/** A file younger than this may belong to a commit that is still being made. */
const MIN_ORPHAN_AGE_MS = 86_400_000;

/** Builds the verbs. */
export function createMaintenance({ operations, clock }: MaintenanceDeps): Maintenance {
  return {
    async compact(ctx, request) {
      const strategy = chooseStrategy(request.strategy ?? null, request.sort_order ?? null);
      precheckCompactionOptions(request.options, strategy);
      checkWhere(request.where ?? null);
      return await operations.run(
        ctx,
        tableOperation(compactJob, request, (location) => ({
          location,
          dryRun: request.dry_run,
          strategy,
          sortOrder: request.sort_order ?? null,
          where: request.where ?? null,
          options: request.options,
        })),
      );
    },
    async expire(ctx, request) {
      return await operations.run(
        ctx,
        tableOperation(expireJob, request, (location) => ({
          location,
          dryRun: request.dry_run,
          retainLast: request.retain_last ?? null,
          olderThanMs: request.older_than ?? null,
          snapshotIds: request.snapshot_ids ?? [],
          cleanExpiredMetadata: request.clean_expired_metadata,
        })),
      );
    },
    async removeOrphans(ctx, request) {
      const olderThanMs = orphanBound(request.older_than ?? null, clock.now());
      return await operations.run(
        ctx,
        tableOperation(removeOrphansJob, request, (location) => ({
          location,
          dryRun: request.dry_run,
          olderThanMs,
          folder: request.location ?? null,
          equalSchemes: request.equal_schemes ?? {},
          equalAuthorities: request.equal_authorities ?? {},
          prefixMismatchMode: request.prefix_mismatch_mode,
        })),
      );
    },
    async rewriteManifests(ctx, request) {
      return await operations.run(
        ctx,
        tableOperation(rewriteManifestsJob, request, (location) => ({
          location,
          dryRun: request.dry_run,
          specId: request.spec_id ?? null,
          sortBy: request.sort_by ?? null,
        })),
      );
    },
  };
}

interface TableRequest {
  readonly table: string;
  readonly dry_run: boolean;
}

/** An operation on one table whose receipt is what the client reads. */
function tableOperation<P, R extends Readonly<Record<string, unknown>>>(
  job: JobSpec<P, R>,
  request: TableRequest,
  params: (location: TableLocation) => P,
) {
  const { table: name, dry_run: dryRun, ...input } = request;
  return {
    kind: job.name,
    role: "DataEngineer",
    action: `table.${job.name.replaceAll("-", "_")}`,
    input,
    dryRun,
    // Two runs of one kind would only undo or repeat each other's work; a dry run disturbs nobody.
    exclusive: !dryRun,
    job,
    async prepare(catalog: Catalog, signal: AbortSignal) {
      const location = await findTable(catalog, name, { signal });
      return { table: formatIdentifier(location.identifier), params: params(location) };
    },
    toDetails: (receipt: R) => receipt,
  } as const;
}

function checkWhere(where: string | null): void {
  if (where === null) return;
  try {
    parseWhere(where);
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    const { code, message } = error;
    throw new AppError("invalid", code, message, {
      issues: [{ path: "where", message }],
      cause: error,
    });
  }
}

function orphanBound(olderThanMs: number | null, nowMs: number): number {
  if (olderThanMs === null) return nowMs - DEFAULT_ORPHAN_AGE_MS;
  if (olderThanMs <= nowMs - MIN_ORPHAN_AGE_MS) return olderThanMs;
  const message = "Cannot remove orphans younger than 24 hours: files of a commit that is still " +
    "being made would be among them; name an earlier time, or leave it out for 3 days";
  throw new AppError("invalid", "orphans_too_young", message, {
    issues: [{ path: "older_than", message }],
  });
}
