/** The jobs of maintenance, as the main isolate asks for them. */
import { z } from "zod";
import { TableLocationSchema } from "../../catalog/load/mod.ts";
import { defineJob } from "../../jobs/mod.ts";
import {
  CompactReceipt,
  ExpireReceipt,
  RemoveOrphansReceipt,
  RewriteManifestsReceipt,
} from "./receipts.ts";

const location = TableLocationSchema;
const dryRun = z.boolean();
const timeMs = z.number().describe("milliseconds since the epoch");

/** Parameters of {@linkcode compactJob}. */
export const CompactParams = z.object({
  location,
  dryRun,
  strategy: z.enum(["binpack", "sort", "zorder"]),
  /** Null for the table's own. */
  sortOrder: z.string().nullable(),
  where: z.string().nullable(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type CompactParams = z.infer<typeof CompactParams>;

/** Rewrites data files into fewer, larger ones. */
export const compactJob = defineJob({
  name: "compact",
  params: CompactParams,
  result: CompactReceipt,
});

/** Parameters of {@linkcode expireJob}. */
export const ExpireParams = z.object({
  location,
  dryRun,
  retainLast: z.int().min(1).nullable(),
  olderThanMs: timeMs.nullable(),
  /** In decimal. */
  snapshotIds: z.array(z.string()),
  cleanExpiredMetadata: z.boolean(),
  /** Who reads which snapshots, as far as the table's name tells. */
  pins: z.array(z.object({
    /** In decimal. */
    snapshotId: z.string(),
    /** Null for whatever table has the name. */
    tableUuid: z.string().nullable(),
    heldBy: z.string(),
  })),
});
export type ExpireParams = z.infer<typeof ExpireParams>;

/** Drops old snapshots, and the files that only they used. */
export const expireJob = defineJob({
  name: "expire",
  params: ExpireParams,
  result: ExpireReceipt,
});

/** Parameters of {@linkcode removeOrphansJob}. */
export const RemoveOrphansParams = z.object({
  location,
  dryRun,
  olderThanMs: timeMs,
  /** Folder to list; null for the table's location. */
  folder: z.string().nullable(),
  equalSchemes: z.record(z.string(), z.string()),
  equalAuthorities: z.record(z.string(), z.string()),
  prefixMismatchMode: z.enum(["ERROR", "IGNORE", "DELETE"]),
});
export type RemoveOrphansParams = z.infer<typeof RemoveOrphansParams>;

/** Deletes files below the table's location that no part of the table refers to. */
export const removeOrphansJob = defineJob({
  name: "remove-orphans",
  params: RemoveOrphansParams,
  result: RemoveOrphansReceipt,
});

/** Parameters of {@linkcode rewriteManifestsJob}. */
export const RewriteManifestsParams = z.object({
  location,
  dryRun,
  specId: z.int().nullable(),
  sortBy: z.array(z.string()).nullable(),
});
export type RewriteManifestsParams = z.infer<typeof RewriteManifestsParams>;

/** Sorts the entries of manifests anew, by partition. */
export const rewriteManifestsJob = defineJob({
  name: "rewrite-manifests",
  params: RewriteManifestsParams,
  result: RewriteManifestsReceipt,
});
