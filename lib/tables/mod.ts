/** Verbs on tables: reading them, changing their columns and state, creating and dropping them. */
export { type AppendRequest } from "./append_operation.ts";
export {
  AddColumnRequest,
  APPEND_FORMATS,
  CreateTableRequest,
  DropColumnRequest,
  type DropTableRequest,
  FileContent,
  FileList,
  type FileQuery,
  HealthReport,
  type Page,
  RefList,
  RenameColumnRequest,
  RollbackRequest,
  SnapshotList,
  TableList,
  type TableReader,
  TableSchema,
  type TimeTravel,
  UpdateColumnRequest,
} from "./contract/mod.ts";
export {
  MAX_QUERY_MS,
  QueryAnswer,
  QueryRequest,
  type QueryRunner,
  ResultFormat,
} from "./contract/mod.ts";
export { createQueries, type Queries, type QueriesDeps, type QueryInput } from "./query.ts";
export { createTableChanges, type TableChanges, type TableChangesDeps } from "./table_changes.ts";
export { createTables, type Tables, type TablesDeps } from "./tables.ts";
