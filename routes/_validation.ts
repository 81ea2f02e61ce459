/** From what a client sent to what a handler gets, with every wrong field named. */
import type { z } from "zod";
import { AppError, type FieldIssue } from "../lib/errors.ts";

/** Most wrong fields named in one answer. */
export const MAX_FIELD_ISSUES = 50;

/** Longest name that is echoed; it comes from the client. */
const MAX_PATH_CHARS = 200;

type ZodIssue = z.core.$ZodIssue;

/** A part of a request, parsed, or the issues that forbid it. */
export type Checked = { readonly value: unknown; readonly issues: readonly FieldIssue[] };

/** Parses one part of a request. */
export function check(schema: z.ZodType, input: unknown): Checked {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { value: parsed.data, issues: [] };
  return {
    value: undefined,
    issues: parsed.error.issues.flatMap((issue) => toFieldIssues(issue, input)),
  };
}

/** Throws one `invalid` error over all parts of a request, if any has issues. */
export function refuseIssues(issues: readonly FieldIssue[]): void {
  const [first] = issues;
  if (first === undefined) return;
  const more = issues.length === 1 ? "" : ` and ${issues.length - 1} more`;
  const named = first.path === "" ? "the request" : `"${first.path}"`;
  throw new AppError("invalid", "invalid_request", `Cannot accept ${named}${more}`, {
    issues: issues.slice(0, MAX_FIELD_ISSUES),
  });
}

/** Query parameters as an object; one that is repeated becomes a list, which no schema accepts. */
export function queryInput(url: URL): Record<string, string | string[]> {
  const input: Record<string, string | string[]> = Object.create(null);
  for (const key of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(key);
    const [only] = values;
    input[key] = values.length === 1 && only !== undefined ? only : values;
  }
  return input;
}

function toFieldIssues(issue: ZodIssue, input: unknown): FieldIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: dotted([...issue.path, key]),
      message: "Unknown field",
    }));
  }
  const { path, message } = issue;
  if (path.length === 0 || valueAt(input, path) !== undefined) {
    return [{ path: dotted(path), message }];
  }
  // Nobody sent "undefined": JSON has no such value.
  return [{ path: dotted(path), message: ["Missing", ...expectedBy(issue)].join(": expected ") }];
}

/** What a field would have to be, where that is said in a few words. */
function expectedBy(issue: ZodIssue): readonly string[] {
  if (issue.code === "invalid_type") return [issue.expected];
  if (issue.code !== "invalid_value") return [];
  return [issue.values.map((value) => JSON.stringify(value)).join(" or ")];
}

/** What the client sent in a field; undefined where nothing. */
function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".").slice(0, MAX_PATH_CHARS);
}
