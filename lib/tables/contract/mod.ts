/**
 * What is asked about tables and how it is answered. A door of its own: both sides of the boundary
 * to reader isolates need it, and neither may load what stands behind the other's doors.
 */
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
