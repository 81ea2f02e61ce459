/** Properties that would make a new table one that nobody can write. */
import type { FieldIssue } from "../../errors.ts";
import type { Schema } from "../spec/schema.ts";

/** Properties that every commit reads as numbers. */
const COMMIT_NUMBERS: readonly string[] = [
  "commit.retry.num-retries",
  "commit.retry.min-wait-ms",
  "commit.retry.max-wait-ms",
  "commit.retry.total-timeout-ms",
];
const METRICS_PREFIX = "write.metadata.metrics.column.";

/** What the reference implementation refuses when a table is created. */
export function propertyIssues(
  properties: Readonly<Record<string, string>>,
  schema: Schema,
): readonly FieldIssue[] {
  const issues: FieldIssue[] = [];
  for (const [key, value] of Object.entries(properties)) {
    const path = `properties.${key}`;
    if (key.trim() === "") issues.push({ path, message: "Expected a property with a name" });
    if (COMMIT_NUMBERS.includes(key) && !/^\d{1,9}$/.test(value)) {
      issues.push({ path, message: "Expected a whole number, at least 0, in digits" });
    }
    const column = key.startsWith(METRICS_PREFIX) ? key.slice(METRICS_PREFIX.length) : null;
    if (column !== null && schema.findByName(column) === undefined) {
      issues.push({
        path,
        message: "Expected the name of a column in it; there is no such column",
      });
    }
  }
  return issues;
}
