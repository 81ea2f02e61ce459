/** SQL over batches of rows, for isolates only: its door loads the engine's code. */
export { ROOT_NAMESPACE } from "./engine_session.ts";
export type { MentionedTable, QueryTable, ScanRequest } from "./query_table.ts";
export { resultColumns, resultType } from "./result_types.ts";
export { type QueryResult, runQuery, type RunQueryOptions } from "./run_query.ts";
export { toTableBatch } from "./to_table_batch.ts";
export {
  openTransform,
  type Transform,
  type TransformOptions,
  transformWithoutEngine,
} from "./transform.ts";
