/** Texts of SQL: a door of its own, because the main isolate reads them and loads no engine. */
export { quoteName } from "./quote_name.ts";
export {
  type NamedMention,
  requireCondition,
  requireQuery,
  rewriteCondition,
  rewriteSql,
} from "./rewrite_sql.ts";
export { type TableMention, tablesOf } from "./sql_tables.ts";
export { isSqlSymbol, isSqlWord, sqlName, type SqlToken, tokenizeSql } from "./sql_tokens.ts";
