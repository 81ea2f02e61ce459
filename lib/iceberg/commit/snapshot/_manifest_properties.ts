/** The table properties that say how manifests are kept (Iceberg configuration: "Write properties"). */
import { AppError } from "../../../errors.ts";

/** How a table wants its manifests. */
export interface ManifestProperties {
  /** `commit.manifest.target-size-bytes`, 8 MiB by default. */
  readonly targetSizeBytes: number;
  /** `commit.manifest.min-count-to-merge`, 100 by default. */
  readonly minCountToMerge: number;
  /** `commit.manifest-merge.enabled`, true by default. */
  readonly mergeEnabled: boolean;
  /** `write.summary.partition-limit`, 0 by default. */
  readonly partitionSummaryLimit: number;
}

/** Reads them; `invalid`, code `table_property_invalid`, where one is no number. */
export function manifestProperties(
  properties: Readonly<Record<string, string>>,
): ManifestProperties {
  return {
    targetSizeBytes: count(properties, "commit.manifest.target-size-bytes", 8_388_608),
    minCountToMerge: count(properties, "commit.manifest.min-count-to-merge", 100),
    mergeEnabled: (properties["commit.manifest-merge.enabled"] ?? "true").toLowerCase() === "true",
    partitionSummaryLimit: count(properties, "write.summary.partition-limit", 0),
  };
}

function count(
  properties: Readonly<Record<string, string>>,
  name: string,
  byDefault: number,
): number {
  const text = properties[name];
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AppError(
    "invalid",
    "table_property_invalid",
    `Cannot write to the table: its property ${name} is "${text.slice(0, 40)}", wanted a count; ` +
      "set it to one, or remove it",
  );
}
