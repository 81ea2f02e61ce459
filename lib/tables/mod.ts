/** Verbs on tables: reading them, changing their columns and state, creating and dropping them. */
export {
  AddColumnRequest,
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
export { createTableChanges, type TableChanges, type TableChangesDeps } from "./table_changes.ts";
export { createTables, type Tables, type TablesDeps } from "./tables.ts";
