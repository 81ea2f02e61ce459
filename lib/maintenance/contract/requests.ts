/** What clients ask of maintenance, as the routes take it. Unknown fields are refused by name. */
import { z } from "zod";

/** Longest text of one field, in characters. */
const MAX_TEXT_CHARS = 65_536;
/** Snapshots named in one request. */
const MAX_SNAPSHOT_IDS = 100_000;

const table = z.string().min(1).max(1_100).describe("namespace.table or catalog.namespace.table");
const dryRun = z.boolean().default(false).describe("tell what would be done, and change nothing");
const isoTime = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    "Expected an ISO 8601 time with its offset, or a date",
  )
  .transform((text) => Date.parse(text));
const names = z.record(z.string().max(1_000), z.string().max(1_000));

/** Body of `POST /api/compact`. */
export const CompactRequest = z.strictObject({
  table,
  strategy: z.enum(["binpack", "sort", "zorder"]).nullish()
    .describe("binpack without it, or sort where sort_order is given"),
  sort_order: z.string().max(MAX_TEXT_CHARS).nullish()
    .describe("for example ts desc nulls last, id; or zorder(a, b); the table's own without it"),
  where: z.string().max(MAX_TEXT_CHARS).nullish()
    .describe("rewrite only files that may hold rows like these: ts >= '2026-01-01'"),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({})
    .describe("options of Spark's rewrite_data_files, for example target-file-size-bytes"),
  dry_run: dryRun,
}).meta({ id: "CompactRequest" });
export type CompactRequest = z.infer<typeof CompactRequest>;

/** Body of `POST /api/expire`. */
export const ExpireRequest = z.strictObject({
  table,
  retain_last: z.int().min(1).max(2_147_483_647).nullish()
    .describe("snapshots to keep of each branch, whatever their age"),
  older_than: isoTime.nullish()
    .describe("ISO 8601; the table's history.expire.max-snapshot-age-ms without it"),
  snapshot_ids: z.array(
    z.union([
      z.string().regex(/^\d{1,19}$/, "Expected a snapshot id in digits"),
      z.int().nonnegative().transform(String),
    ]),
  ).max(MAX_SNAPSHOT_IDS).nullish()
    .describe("snapshots to expire beside these; retain_last does not protect them"),
  clean_expired_metadata: z.boolean().default(false)
    .describe("drop schemas and partition specs that no snapshot uses any more"),
  dry_run: dryRun,
}).meta({ id: "ExpireRequest" });
export type ExpireRequest = z.infer<typeof ExpireRequest>;

/** Body of `POST /api/remove-orphans`. */
export const RemoveOrphansRequest = z.strictObject({
  table,
  older_than: isoTime.nullish()
    .describe("ISO 8601, at least 24 hours ago; 3 days ago without it"),
  location: z.string().min(1).max(4_096).nullish()
    .describe("a folder of the table to look into; all of the table's location without it"),
  equal_schemes: names.nullish()
    .describe('schemes that mean the same: {"s3a,s3n": "s3"} is known'),
  equal_authorities: names.nullish()
    .describe('buckets or hosts that mean the same: {"old-name": "new-name"}'),
  prefix_mismatch_mode: z.enum(["ERROR", "IGNORE", "DELETE"]).default("ERROR")
    .describe("what to do with files that the table knows under another scheme or bucket"),
  dry_run: dryRun,
}).meta({ id: "RemoveOrphansRequest" });
export type RemoveOrphansRequest = z.infer<typeof RemoveOrphansRequest>;

/** Body of `POST /api/rewrite-manifests`. */
export const RewriteManifestsRequest = z.strictObject({
  table,
  spec_id: z.int().nonnegative().nullish()
    .describe("the partition spec whose manifests are rewritten; the current one without it"),
  sort_by: z.array(z.string().min(1).max(1_000)).max(100).nullish()
    .describe("partition fields to cluster by; all of the spec's, in order, without it"),
  dry_run: dryRun,
}).meta({ id: "RewriteManifestsRequest" });
export type RewriteManifestsRequest = z.infer<typeof RewriteManifestsRequest>;
