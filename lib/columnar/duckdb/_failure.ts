/**
 * What the engine throws, in the house's terms. Its texts quote queries and values of tables. Callers
 * may see that, in the issues of an error; messages and causes end up in the log, which must not.
 */
import { AppError } from "../../errors.ts";

/** Longest part of the engine's own text that a caller sees. */
const MAX_MESSAGE_CHARS = 500;
/** Its guesses at what was meant come from the engine's own tables: they would lead astray. */
const NO_TABLE = /^Catalog Error: Table with name (\S+) does not exist!/;
const EXTENSION = /required extension '(\w+)'|extension "(\w+)"|exists in the (\w+) extension/;

/** Whether the engine is in no state to go on: its memory may be inconsistent. */
export function isTrap(error: unknown): boolean {
  // What is no error at all is an exception of C++ that nothing inside has caught.
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError ||
    !(error instanceof Error);
}

/**
 * The error of a query. Kinds: `unsupported` for a trap (`query_engine_trapped`) and for functions
 * that this build lacks (`sql_extension_missing`), `too_large` where memory ran out, `invalid` for
 * everything that the engine has to say about the SQL itself.
 */
export function queryFailure(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const text = textOf(error);
  if (isTrap(error)) {
    const message = "Cannot run the query: the query engine failed on it. Rewrite the query; " +
      "the server is not affected";
    return new AppError("unsupported", "query_engine_trapped", message, { cause: error });
  }
  const extension = EXTENSION.exec(text);
  if (extension !== null) {
    const message = `Cannot run the query: it uses a function or type of DuckDB's extension ` +
      `"${extension[1] ?? extension[2] ?? extension[3]}", which is not part of this build`;
    return new AppError("unsupported", "sql_extension_missing", message);
  }
  if (/^(?:Out of Memory|memory access)/i.test(text)) {
    const message = "Cannot run the query: it needs more memory than a query may take. Select " +
      "fewer columns, or filter more";
    return new AppError("too_large", "query_too_large", message);
  }
  const table = NO_TABLE.exec(text)?.[1];
  if (table !== undefined) return missingTable(table);
  return refused(text);
}

const missingTables = new WeakSet<AppError>();

/** Whether an error is that of a query which names a table that is not there. */
export function isMissingTable(error: unknown): boolean {
  return error instanceof AppError && missingTables.has(error);
}

function missingTable(table: string): AppError {
  const message = "Cannot run the query: it reads a table that the catalog does not have";
  const issue = `There is no table "${shorten(table)}". Tables are named namespace.table, as ` +
    "GET /api/tables lists them";
  const error = new AppError("invalid", "sql_invalid", message, {
    issues: [{ path: "sql", message: issue }],
  });
  missingTables.add(error);
  return error;
}

function refused(text: string): AppError {
  const message = `Cannot run the query: the engine refuses it (${kindOf(text)})`;
  return new AppError("invalid", "sql_invalid", message, {
    issues: [{ path: "sql", message: shorten(text) }],
  });
}

/** The error of a query of which one step took all its time: `deadline_exceeded`/`query_cut_off`. */
export function cutOff(cause: unknown): AppError {
  const message = "Cannot finish the query: a single step of it takes too long";
  return new AppError("deadline_exceeded", "query_cut_off", message, { cause });
}

/** What fails while a result is fetched comes as JSON, with a sentence about fetching before it. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (!text.startsWith('{"exception_type"')) return text;
  try {
    const { exception_message: message } = JSON.parse(text);
    return String(message).replace(/^Attempting to [^\n]*\nError: /, "");
  } catch {
    return text; // It only begins like that.
  }
}

/** "Binder Error" and the like: what stands before the first colon, where it is one of the engine's. */
function kindOf(text: string): string {
  return /^((?:[A-Z][a-z]+ )+Error):/.exec(text)?.[1]?.toLowerCase() ?? "error";
}

function shorten(text: string): string {
  const paragraph = text.split("\n\n")[0]?.replaceAll(/\s+/g, " ").trim() ?? "";
  return paragraph.length <= MAX_MESSAGE_CHARS
    ? paragraph
    : `${paragraph.slice(0, MAX_MESSAGE_CHARS)}…`;
}
