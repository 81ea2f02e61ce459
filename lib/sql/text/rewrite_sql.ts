/** The text of a query, made ready for the engine. */
import { AppError } from "../../errors.ts";
import { quoteName } from "./quote_name.ts";
import type { TableMention } from "./sql_tables.ts";
import { isSqlSymbol, isSqlWord, sqlName, type SqlToken, tokenizeSql } from "./sql_tokens.ts";

/** A table where the query's text names it, and its name in the engine. */
export interface NamedMention {
  readonly mention: TableMention;
  /** Namespace levels joined by dots. */
  readonly namespace: string;
  readonly name: string;
}

/** Words that a query which only reads begins with. */
const STARTS = ["SELECT", "WITH", "FROM", "VALUES", "TABLE"];
/** These read too; the engine explains them only inside of another query. */
const WRAPPED_STARTS = ["DESCRIBE", "SUMMARIZE", "SHOW", "PIVOT", "UNPIVOT"];
/** Functions that do more than read, or that read tables which nobody here has seen named. */
const FORBIDDEN_FUNCTIONS = new Set([
  "enable_logging",
  "disable_logging",
  "set_log_level",
  "truncate_duckdb_logs",
  "checkpoint",
  "force_checkpoint",
  "query",
  "query_table",
]);

/** Refuses a text that is not one condition, or that calls what does more than read. */
export function requireCondition(sql: string): void {
  const tokens = tokenizeSql(sql);
  requireReadOnly(tokens);
  let depth = 0;
  const leaves = tokens.some((token) => {
    depth += isSqlSymbol(token, "(") ? 1 : isSqlSymbol(token, ")") ? -1 : 0;
    return depth < 0 || isSqlSymbol(token, ";");
  });
  if (tokens.length > 0 && !leaves && depth === 0) return;
  const message = "Cannot use the condition: it is not one expression of SQL";
  throw new AppError("invalid", "sql_not_a_condition", message, {
    issues: [{ path: "sql", message: "must be one condition, as it stands after WHERE" }],
  });
}

/** Refuses a text that does not begin as a query that reads, or that calls what does more. */
export function requireQuery(sql: string): void {
  const tokens = tokenizeSql(sql);
  requireReadOnly(tokens);
  const first = tokens.find((token) => !isSqlSymbol(token, "("));
  if ([...STARTS, ...WRAPPED_STARTS].some((word) => isSqlWord(first, word))) return;
  const message =
    `Cannot run the query: it does not begin with ${STARTS.slice(0, 4).join(", ")}; ` +
    "only queries that read are allowed";
  throw new AppError("invalid", "sql_not_a_query", message, {
    issues: [{ path: "sql", message: "must be one query that reads" }],
  });
}

function requireReadOnly(tokens: readonly SqlToken[]): void {
  const forbidden = tokens.find((token, i) =>
    token.kind === "name" && isSqlSymbol(tokens[i + 1], "(") &&
    FORBIDDEN_FUNCTIONS.has(sqlName(token).toLowerCase())
  );
  if (forbidden !== undefined) throw functionForbidden(sqlName(forbidden));
}

function functionForbidden(name: string): AppError {
  const message = "Cannot run the query: it calls a function that does more than read";
  return new AppError("invalid", "sql_function_forbidden", message, {
    issues: [{ path: "sql", message: `must not call ${name.toLowerCase()}` }],
  });
}

/** The query with every mentioned table under its two-part name in the engine. */
export function rewriteSql(sql: string, tables: readonly NamedMention[]): string {
  let text = sql;
  for (
    const { mention, namespace, name } of tables.toSorted((a, b) =>
      b.mention.start - a.mention.start
    )
  ) {
    const inEngine = `${quoteName(namespace)}.${quoteName(name)}`;
    text = text.slice(0, mention.start) + inEngine + text.slice(mention.end);
  }
  const ready = withoutEnd(rewriteCondition(text));
  const [first] = tokenizeSql(ready);
  return WRAPPED_STARTS.some((word) => isSqlWord(first, word)) ? `FROM (\n${ready}\n)` : ready;
}

/** A condition, made ready for the engine. */
export function rewriteCondition(sql: string): string {
  return withJsonArrows(withoutZonedType(sql));
}

/** Without semicolons and white space at the end. A pattern would take the square of their number. */
function withoutEnd(sql: string): string {
  let end = sql.length;
  while (end > 0 && /[\s;]/.test(sql[end - 1] ?? "")) end--;
  return sql.slice(0, end);
}

/** A point in time with an offset, as a string of SQL. */
const OFFSET_TIME =
  /^'\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)\s*'$/i;

/**
 * `TIMESTAMPTZ '…'` and casts to it become plain timestamps: inside, all times are in UTC. The engine
 * would drop an offset, so it is worked in here; where that cannot be seen to be right, it is refused.
 */
function withoutZonedType(sql: string): string {
  const tokens = tokenizeSql(sql);
  let text = sql;
  for (let i = tokens.length - 1; i >= 0; i--) {
    const token = tokens[i];
    if (token === undefined) continue;
    const offset = token.kind === "string" ? OFFSET_TIME.exec(token.text) : null;
    if (offset !== null) text = replaceToken(text, token, inUtc(offset, isTyped(tokens, i)));
    if (!isSqlWord(token, "TIMESTAMPTZ")) continue;
    const isType = tokens[i + 1]?.kind === "string" || isSqlSymbol(tokens[i - 1], ":") ||
      isSqlWord(tokens[i - 1], "AS");
    if (isType) text = replaceToken(text, token, "TIMESTAMP");
  }
  return text;
}

/** Whether a string is said to be a time: `TIMESTAMPTZ '…'` or `'…'::TIMESTAMPTZ`. */
function isTyped(tokens: readonly SqlToken[], i: number): boolean {
  const isType = (token: SqlToken | undefined) =>
    isSqlWord(token, "TIMESTAMPTZ") || isSqlWord(token, "TIMESTAMP");
  return isType(tokens[i - 1]) || (isSqlSymbol(tokens[i + 1], ":") && isType(tokens[i + 3]));
}

function inUtc([literal = "", date, time, zone = "Z"]: RegExpExecArray, typed: boolean): string {
  if (/^(?:Z|[+-]00(?::?00)?)$/i.test(zone)) return literal;
  if (!typed) {
    const message =
      "Cannot run the query: a string has an offset, which is only read where it is " +
      "said to be a time";
    throw new AppError("invalid", "sql_offset_untyped", message, {
      issues: [{ path: "sql", message: `write TIMESTAMPTZ ${literal}` }],
    });
  }
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const offsetMs = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) * 60_000;
  // The offset is in whole minutes: what stands behind them is carried over as it is.
  const [clock = "", seconds = "00"] = [time?.slice(0, 5), time?.slice(6)];
  const shifted = new Date(Date.parse(`${date}T${clock}:00Z`) - offsetMs).toISOString();
  return `'${shifted.slice(0, 10)} ${shifted.slice(11, 16)}:${seconds || "00"}'`;
}

function replaceToken(text: string, token: SqlToken, replacement: string): string {
  return `${text.slice(0, token.start)}${replacement}${text.slice(token.end)}`;
}

/**
 * `j -> 'a' ->> 'b'` becomes `j ->> 'a' ->> 'b'`, which is the same: the engine takes a single arrow
 * for a lambda and cannot hand it to a function of ours. One at the end would lose the quotes of a
 * string, so it is refused.
 */
function withJsonArrows(sql: string): string {
  const tokens = tokenizeSql(sql);
  const isArrow = (i: number) =>
    isSqlSymbol(tokens[i], "-") && isSqlSymbol(tokens[i + 1], ">") &&
    tokens[i]?.end === tokens[i + 1]?.start;
  let text = sql;
  for (let i = tokens.length - 1; i >= 0; i--) {
    const [arrow, operand] = [tokens[i + 1], tokens[i + 2]];
    const onJson = isArrow(i) && (operand?.kind === "string" || operand?.kind === "other");
    if (!onJson || arrow === undefined) continue;
    if (!isArrow(i + 3)) {
      const message = "Cannot run the query: the JSON operator -> is not part of this build; use " +
        "json_extract(json, path), or ->> for the value as text";
      throw new AppError("unsupported", "sql_operator_unsupported", message);
    }
    text = `${text.slice(0, arrow.end)}>${text.slice(arrow.end)}`;
  }
  return text;
}
