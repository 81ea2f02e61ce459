/** Verbs on tables: list, schema, snapshots, refs, files, health. */
export {
  FileContent,
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableList,
  TableSchema,
} from "./schemas.ts";
export type { FileQuery, Page, ReadCall, TableReader, TimeTravel } from "./table_reader.ts";
export { createTables, type Tables, type TablesDeps } from "./tables.ts";
