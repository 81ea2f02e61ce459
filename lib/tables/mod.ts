/** Verbs on tables: list, schema, snapshots, refs, files, health. */
export {
  FileContent,
  FileList,
  type FileQuery,
  HealthReport,
  type Page,
  RefList,
  SnapshotList,
  TableList,
  type TableReader,
  TableSchema,
  type TimeTravel,
} from "./contract/mod.ts";
export { createTables, type Tables, type TablesDeps } from "./tables.ts";
