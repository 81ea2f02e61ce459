/** Table names as clients write them. */
import { AppError } from "../errors.ts";

/** Longest accepted name; catalogs store at most 255 characters a part. */
const MAX_NAME_CHARS = 1024;

/**
 * The names to look a table up by, in order, without the catalog's name. `drls.db.events` in
 * catalog `drls` is `db.events`, and only if that does not exist the literal name (a namespace may
 * be called as the catalog is); with two levels the literal name goes first.
 */
export function nameCandidates(table: string, catalogName: string): readonly string[] {
  checkName(table);
  const prefix = `${catalogName}.`;
  if (!table.startsWith(prefix)) return [table];
  const stripped = table.slice(prefix.length);
  return stripped.includes(".") ? [stripped, table] : [table, stripped];
}

function checkName(table: string): void {
  const problem = table.length > MAX_NAME_CHARS
    ? `Expected at most ${MAX_NAME_CHARS} characters, got ${table.length}`
    : table.split(".").some((level) => level === "" || level.trim() !== level)
    ? "Expected namespace.table or catalog.namespace.table, without empty levels"
    // deno-lint-ignore no-control-regex -- they are what is refused
    : /[\x00-\x1f\x7f/\\]/.test(table)
    ? "Expected no slashes and no control characters"
    : null;
  if (problem === null) return;
  throw new AppError("invalid", "invalid_table_name", "Cannot use the table name", {
    issues: [{ path: "table", message: problem }],
  });
}
