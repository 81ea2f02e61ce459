/** The verbs of maintenance: check what was asked, and hand it to a table isolate as an operation. */
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { parseWhere } from "../iceberg/expression/parse_where.ts";
import type { OperationContext, OperationRunner, StartedOperation } from "../operations/mod.ts";
import type { SqlReader } from "../state/mod.ts";
import { tableOperation } from "./_table_operation.ts";
import {
  compactJob,
  type CompactRequest,
  type ExpireRequest,
  removeOrphansJob,
  type RemoveOrphansRequest,
  rewriteManifestsJob,
  type RewriteManifestsRequest,
} from "./contract/mod.ts";
import { expireOperation } from "./expire_operation.ts";
import { chooseStrategy, precheckCompactionOptions } from "./plan/compaction_request.ts";

/** What the verbs stand on. */
export interface MaintenanceDeps {
  readonly operations: OperationRunner;
  /** Knows who has pinned which snapshots. */
  readonly state: SqlReader;
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
export function createMaintenance({ operations, state, clock }: MaintenanceDeps): Maintenance {
  return {
    async compact(ctx, request) {
      const strategy = chooseStrategy(request.strategy ?? null, request.sort_order ?? null);
      precheckCompactionOptions(request.options, strategy);
      checkWhere(request.where ?? null);
      return await operations.run(
        ctx,
        tableOperation(request, {
          job: compactJob,
          params: (location) => ({
            location,
            dryRun: request.dry_run,
            strategy,
            sortOrder: request.sort_order ?? null,
            where: request.where ?? null,
            options: request.options,
          }),
        }),
      );
    },
    async expire(ctx, request) {
      return await operations.run(ctx, expireOperation(request, { state, clock }));
    },
    async removeOrphans(ctx, request) {
      const olderThanMs = orphanBound(request.older_than ?? null, clock.now());
      return await operations.run(
        ctx,
        tableOperation(request, {
          job: removeOrphansJob,
          params: (location) => ({
            location,
            dryRun: request.dry_run,
            olderThanMs,
            folder: request.location ?? null,
            equalSchemes: request.equal_schemes ?? {},
            equalAuthorities: request.equal_authorities ?? {},
            prefixMismatchMode: request.prefix_mismatch_mode,
          }),
        }),
      );
    },
    async rewriteManifests(ctx, request) {
      return await operations.run(
        ctx,
        tableOperation(request, {
          job: rewriteManifestsJob,
          params: (location) => ({
            location,
            dryRun: request.dry_run,
            specId: request.spec_id ?? null,
            sortBy: request.sort_by ?? null,
          }),
        }),
      );
    },
  };
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
