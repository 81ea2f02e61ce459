/** What a scan looked at, for metrics. */

/** Manifests of one content. `total` is `skipped` plus `scanned` once a scan has ended. */
export interface ManifestCounts {
  /** In the snapshot. */
  readonly total: number;
  /** Ruled out by file counts or partition summaries, or not needed. */
  readonly skipped: number;
  readonly scanned: number;
}

/** Live files of scanned manifests. */
export interface FileCounts {
  /** Data files planned, or delete files indexed. */
  readonly used: number;
  /** Ruled out by partition or metrics. */
  readonly skipped: number;
}

/** Counts of a scan; they grow while it runs. */
export interface ScanReport {
  readonly dataManifests: ManifestCounts;
  readonly deleteManifests: ManifestCounts;
  readonly dataFiles: FileCounts;
  readonly deleteFiles: FileCounts;
}

/** A {@linkcode ScanReport} under way. */
export type MutableScanReport = {
  readonly [part in keyof ScanReport]: { -readonly [count in keyof ScanReport[part]]: number };
};

/** All counts zero. */
export function emptyScanReport(): MutableScanReport {
  return {
    dataManifests: { total: 0, skipped: 0, scanned: 0 },
    deleteManifests: { total: 0, skipped: 0, scanned: 0 },
    dataFiles: { used: 0, skipped: 0 },
    deleteFiles: { used: 0, skipped: 0 },
  };
}
