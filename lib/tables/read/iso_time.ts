/** Times of table metadata as text. */
import { corruptData } from "../../errors.ts";

/** ISO 8601 in UTC; metadata may hold milliseconds that no calendar has. */
export function isoTime(timestampMs: number): string {
  const time = new Date(timestampMs);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw corruptData(
    "invalid_table_metadata",
    `Cannot read the table's metadata: ${timestampMs} is not a time in milliseconds`,
  );
}
