/** Tables as queries read them. */
import type { RecordBatch } from "apache-arrow";
import type { Expression } from "../iceberg/expression/expression.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import type { NamedMention } from "./text/rewrite_sql.ts";

/** What of a table a query reads. */
export interface ScanRequest {
  /** Names of top-level columns, in the schema's order; at least one. */
  readonly columns: readonly string[];
  /** Files that certainly hold no such row may be left out. */
  readonly filter: Expression;
  readonly signal: AbortSignal;
}

/** A table as queries see it. */
export interface QueryTable {
  readonly schema: Schema;
  /** Batches with exactly the columns asked for, deletes applied. */
  scan(request: ScanRequest): AsyncIterable<RecordBatch>;
}

/** A table where the query's text names it. */
export interface MentionedTable extends NamedMention {
  readonly table: QueryTable;
}
