/**
 * From a table's figures to what to do about it. Every recommendation carries the request that
 * removes its cause, so a table that followed its report reports healthy.
 */
import type { Pins } from "../../iceberg/retention/pinned_snapshots.ts";
import type { Recommendation, Severity } from "../contract/schemas.ts";
import type { CompactionCandidates, FileTally } from "./file_tally.ts";

/** Rewritable small files from which a table counts as critically fragmented. */
const CRITICAL_SMALL_FILES = 1_000;
/** Share of rows hidden behind deletes that calls for a rewrite, and that is urgent. */
const WARNING_DELETED_RATIO = 0.1;
const CRITICAL_DELETED_RATIO = 0.3;
/** Live delete files from which merging them on every read is worth a warning. */
const WARNING_DELETE_FILES = 100;
/** Expirable snapshots that deserve a warning, and that bloat every metadata read. */
const WARNING_EXPIRABLE_SNAPSHOTS = 50;
const CRITICAL_EXPIRABLE_SNAPSHOTS = 1_000;
/** Manifests below this many are never worth rewriting (`commit.manifest.min-count-to-merge`). */
const MIN_MANIFESTS_TO_REWRITE = 100;
/** `commit.manifest.target-size-bytes`. */
const MANIFEST_TARGET_BYTES = 8 * 1024 * 1024;
/** Rewriting manifests is advised where it divides their number by at least this. */
const MIN_MANIFEST_REDUCTION = 4;
/** Holders of pins that are named. */
const MAX_NAMED_HOLDERS = 3;

/** What recommendations are made from. */
export interface HealthFigures {
  readonly table: string;
  readonly tally: FileTally;
  readonly candidates: CompactionCandidates;
  readonly expirableSnapshots: number;
  /** Snapshots past the table's retention that stay, and who reads them. */
  readonly pinned: Pins;
  readonly snapshots: number;
  readonly manifests: number;
  readonly manifestBytes: number;
  /** Requests are left out where the table cannot be written. */
  readonly readOnly: boolean;
}

const SEVERITIES: readonly Severity[] = ["healthy", "info", "warning", "critical"];

/** What to do, most urgent first. */
export function recommend(figures: HealthFigures): readonly Recommendation[] {
  const all = [
    smallFiles(figures),
    largeFiles(figures),
    deletes(figures),
    snapshots(figures),
    pinnedSnapshots(figures),
    manifests(figures),
  ].filter((one) => one !== null);
  return all.sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
}

/** The worst severity, `healthy` where there is nothing to do. */
export function worstSeverity(recommendations: readonly Recommendation[]): Severity {
  return recommendations[0]?.severity ?? "healthy";
}

function smallFiles(figures: HealthFigures): Recommendation | null {
  const { candidates, tally } = figures;
  const { files, bytes } = candidates.small;
  if (files === 0) return null;
  const expected = Math.max(candidates.partitions, Math.ceil(bytes / tally.targetBytes));
  return {
    code: "compact_small_files",
    severity: files >= CRITICAL_SMALL_FILES ? "critical" : "warning",
    summary: `Consider compaction: ${counted(files, "small file")} could become about ${expected}`,
    evidence: {
      small_files: files,
      small_file_bytes: bytes,
      partitions: candidates.partitions,
      target_file_size_bytes: tally.targetBytes,
      expected_files: expected,
    },
    request: compactRequest(figures, {}),
  };
}

function largeFiles(figures: HealthFigures): Recommendation | null {
  const { files, bytes } = figures.candidates.large;
  if (files === 0) return null;
  return {
    code: "compact_large_files",
    severity: "info",
    summary: `Consider compaction: ${counted(files, "file")} above 180 % of the target size`,
    evidence: {
      large_files: files,
      large_file_bytes: bytes,
      target_file_size_bytes: figures.tally.targetBytes,
    },
    request: compactRequest(figures, {}),
  };
}

function deletes(figures: HealthFigures): Recommendation | null {
  const { tally } = figures;
  const files = tally.deletes.position + tally.deletes.equality + tally.deletes.deletion_vector;
  if (files === 0) return null;
  const ratio = tally.records === 0 ? 1 : tally.positionDeletedRows / tally.records;
  const severity = ratio >= CRITICAL_DELETED_RATIO
    ? "critical"
    : ratio >= WARNING_DELETED_RATIO || files >= WARNING_DELETE_FILES ||
        tally.deletes.equality > 0
    ? "warning"
    : "info";
  return {
    code: "compact_deletes",
    severity,
    summary: tally.affectedFiles === 0
      ? `Consider compaction: ${counted(files, "delete file")} without a data file they apply to`
      : `Consider compaction: readers merge ${counted(tally.affectedFiles, "data file")} with ` +
        counted(files, "delete file"),
    evidence: {
      delete_files: files,
      affected_data_files: tally.affectedFiles,
      affected_rows: tally.affectedRecords,
      position_deleted_rows: tally.positionDeletedRows,
      equality_delete_rows: tally.equalityDeleteRows,
    },
    request: compactRequest(figures, {
      "delete-file-threshold": "1",
      "remove-dangling-deletes": "true",
    }),
  };
}

function snapshots(figures: HealthFigures): Recommendation | null {
  const { expirableSnapshots: expirable } = figures;
  if (expirable === 0) return null;
  return {
    code: "expire_snapshots",
    severity: expirable >= CRITICAL_EXPIRABLE_SNAPSHOTS
      ? "critical"
      : expirable >= WARNING_EXPIRABLE_SNAPSHOTS
      ? "warning"
      : "info",
    summary: `Consider expiring snapshots: ${expirable} of ${figures.snapshots} past the table's ` +
      "retention",
    evidence: { expirable_snapshots: expirable, snapshots: figures.snapshots },
    request: figures.readOnly
      ? null
      : { method: "POST", path: "/api/expire", body: { table: figures.table } },
  };
}

/** Nothing but reading on, or stopping, removes the cause: there is no request that does it. */
function pinnedSnapshots({ pinned, snapshots }: HealthFigures): Recommendation | null {
  if (pinned.size === 0) return null;
  const holders = [...new Set([...new Set(pinned.values())].flat())];
  const named = holders.slice(0, MAX_NAMED_HOLDERS).join(", ");
  const more = holders.length > MAX_NAMED_HOLDERS
    ? ` and ${holders.length - MAX_NAMED_HOLDERS} more`
    : "";
  return {
    code: "pinned_snapshots",
    severity: pinned.size >= WARNING_EXPIRABLE_SNAPSHOTS ? "warning" : "info",
    summary: `Consider looking at ${named}${more}: ${counted(pinned.size, "snapshot")} past the ` +
      "table's retention cannot expire before reading goes on",
    evidence: { pinned_snapshots: pinned.size, snapshots, held_by: `${named}${more}` },
    request: null,
  };
}

function manifests(figures: HealthFigures): Recommendation | null {
  const expected = Math.max(1, Math.ceil(figures.manifestBytes / MANIFEST_TARGET_BYTES));
  const many = figures.manifests >= MIN_MANIFESTS_TO_REWRITE &&
    figures.manifests >= expected * MIN_MANIFEST_REDUCTION;
  if (!many) return null;
  return {
    code: "rewrite_manifests",
    severity: "warning",
    summary: `Consider rewriting manifests: ${figures.manifests} could become about ${expected}`,
    evidence: {
      manifests: figures.manifests,
      manifest_bytes: figures.manifestBytes,
      expected_manifests: expected,
    },
    request: figures.readOnly
      ? null
      : { method: "POST", path: "/api/rewrite-manifests", body: { table: figures.table } },
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function compactRequest(
  figures: HealthFigures,
  options: Record<string, string>,
): Recommendation["request"] {
  if (figures.readOnly) return null;
  const body = { table: figures.table, strategy: "binpack", options };
  return { method: "POST", path: "/api/compact", body };
}
