/** Looking after tables: compaction, expiry, orphans, manifests. */
import {
  CompactRequest,
  ExpireRequest,
  RemoveOrphansRequest,
  RewriteManifestsRequest,
} from "../lib/maintenance/contract/mod.ts";
import { operationRoute } from "./_operation_route.ts";
import type { Route } from "./_route.ts";

/** `POST /api/compact` and its neighbours. */
export const maintenanceRoutes: readonly Route[] = [
  operationRoute({
    path: "/api/compact",
    operation: "compactTable",
    summary: "Rewrite data files into fewer, larger ones",
    description: "Rows stay the same. Deletes are applied, appends meanwhile are fine, and rows " +
      "deleted meanwhile stay deleted. A second run right after has nothing to do.",
    body: CompactRequest,
    start: ({ maintenance }, ctx, body) => maintenance.compact(ctx, body),
  }),
  operationRoute({
    path: "/api/expire",
    operation: "expireSnapshots",
    summary: "Drop old snapshots, and the files that only they used",
    description: "Branches and tags keep what they need. The table is changed first; files are " +
      "deleted after that, and what cannot be deleted is counted.",
    body: ExpireRequest,
    start: ({ maintenance }, ctx, body) => maintenance.expire(ctx, body),
  }),
  operationRoute({
    path: "/api/remove-orphans",
    operation: "removeOrphanFiles",
    summary: "Delete files of the table that no part of it refers to",
    description: "Files that may belong to a commit under way, to another table or to nobody " +
      "knows whom are kept, and counted by reason.",
    body: RemoveOrphansRequest,
    start: ({ maintenance }, ctx, body) => maintenance.removeOrphans(ctx, body),
  }),
  operationRoute({
    path: "/api/rewrite-manifests",
    operation: "rewriteManifests",
    summary: "Sort the entries of manifests anew, by partition",
    description: "Data files stay as they are; planning reads fewer manifests.",
    body: RewriteManifestsRequest,
    start: ({ maintenance }, ctx, body) => maintenance.rewriteManifests(ctx, body),
  }),
];
