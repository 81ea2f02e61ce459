/** DuckDB's door, for isolates only: a door of its own, because most isolates need no SQL. */
export { isMissingTable } from "./_failure.ts";
export { DuckDb, type DuckDbOptions, type EngineTable, type ResultStream } from "./duckdb.ts";
