/** What the engine says of a transform, in terms of pipelines. */
import { isMissingTable } from "../columnar/duckdb/mod.ts";
import { AppError, type AppErrorOptions, type FieldIssue } from "../errors.ts";

/** Which text is at fault, and when it shows. */
export interface TransformStep {
  readonly part: "where" | "transform";
  readonly step: "open" | "run";
  /** How the batch may be named. */
  readonly names: readonly string[];
}

const PREFIX = /^Cannot (?:run|finish|use) the (?:query|condition): /;

/** Runs a step; its errors are those of the transform. */
export function asTransform<T>(call: () => T, step: TransformStep): T {
  try {
    return call();
  } catch (error) {
    throw transformError(error, step);
  }
}

/** The error of a step of a transform; what is none of the engine's stays what it is. */
export function transformError(error: unknown, { part, step, names }: TransformStep): unknown {
  if (!(error instanceof AppError)) return error;
  const issues = error.issues.map(({ path, message }): FieldIssue => ({
    path: path === "sql" ? part : path,
    message,
  }));
  const detail = error.message.replace(PREFIX, "");
  const { kind, code, context, cause } = error;
  const options: AppErrorOptions = { context, issues, ...(cause === undefined ? {} : { cause }) };
  if (isMissingTable(error)) return unknownTable(part, names);
  if (code === "sql_invalid" && step === "run") {
    const message = `Cannot run the ${part}: a row makes it fail; ${detail}`;
    return new AppError("invalid", "transform_failed", message, options);
  }
  switch (code) {
    case "sql_invalid":
      return new AppError(
        "invalid",
        "transform_invalid",
        `Cannot use the ${part}: ${detail}`,
        options,
      );
    case "query_too_large": {
      const message = `Cannot run the ${part}: the batch needs more memory than its engine has. ` +
        "Set max_bytes_per_batch lower, or read fewer columns";
      return new AppError("too_large", "transform_out_of_memory", message, options);
    }
    case "query_engine_trapped": {
      const message = `Cannot run the ${part}: the engine failed on it. Rewrite it`;
      return new AppError(kind, code, message, options);
    }
    case "query_cut_off": {
      const message = `Cannot run the ${part}: a single step of it takes too long`;
      return new AppError(kind, code, message, options);
    }
    default:
      return PREFIX.test(error.message)
        ? new AppError(kind, code, `Cannot use the ${part}: ${detail}`, options)
        : error;
  }
}

/** The refusal of a query that reads something else than the batch. */
export function unknownTable(part: TransformStep["part"], names: readonly string[]): AppError {
  const message = `Cannot use the ${part}: it reads something else than the batch`;
  const known = names.map((name) => `"${name}"`).join(", ");
  const remedy = part === "where"
    ? "Expected a condition on the columns of one row"
    : `Expected one of ${known} after FROM and JOIN`;
  return new AppError("invalid", "transform_table_unknown", message, {
    issues: [{ path: part, message: remedy }],
  });
}
