/** Inputs of verbs: every caller's is parsed, whichever transport it came through. */
import { z } from "zod";
import { AppError, type FieldIssue } from "../errors.ts";
import { MAX_ACCESS_PAGE, type Page } from "./page.ts";

/** Parses an input; `invalid` names each wrong or unknown field. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap(toFieldIssues);
  const fields = issues.map(({ path }) => `"${path}"`).join(", ");
  throw new AppError("invalid", "invalid_input", `Cannot use the input: wrong ${fields}`, {
    issues,
  });
}

/** Checks a page's limit; routes give it a default before. */
export function checkPage(page: Page): void {
  if (Number.isInteger(page.limit) && page.limit >= 1 && page.limit <= MAX_ACCESS_PAGE) return;
  const message = `Expected a whole number from 1 to ${MAX_ACCESS_PAGE}, got ${page.limit}`;
  throw new AppError("invalid", "invalid_limit", "Cannot list: the limit is out of range", {
    issues: [{ path: "limit", message }],
  });
}

function toFieldIssues(issue: z.core.$ZodIssue): readonly FieldIssue[] {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({
    path: path === "" ? key : `${path}.${key}`,
    message: "Unknown field",
  }));
}
