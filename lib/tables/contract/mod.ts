/**
 * What is asked about tables and of them, and how it is answered. A door of its own: both sides of
 * the boundary to isolates need it, and neither may load what stands behind the other's doors.
 */
export { APPEND_FORMATS, AppendFormat, appendJob, AppendParams, AppendReceipt } from "./append.ts";
export {
  ColumnChange,
  evolveJob,
  EvolveParams,
  purgeTableJob,
  PurgeTableParams,
  rollbackJob,
  RollbackParams,
} from "./change_jobs.ts";
export {
  ColumnReceipt,
  CreateTableReceipt,
  DropTableReceipt,
  RollbackReceipt,
} from "./change_receipts.ts";
export {
  AddColumnRequest,
  CreateTableRequest,
  DropColumnRequest,
  type DropTableRequest,
  RenameColumnRequest,
  RollbackRequest,
  UpdateColumnRequest,
} from "./change_requests.ts";
export {
  MAX_QUERY_MS,
  QueryAnswer,
  QueryAt,
  QueryParams,
  QueryRequest,
  type QueryRun,
  type QueryRunner,
  ResultFormat,
} from "./query.ts";
export {
  FileContent,
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableList,
  TableSchema,
} from "./schemas.ts";
export type {
  FileQuery,
  HealthCall,
  Page,
  ReadCall,
  TableReader,
  TimeTravel,
} from "./table_reader.ts";
