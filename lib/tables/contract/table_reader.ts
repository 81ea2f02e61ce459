/**
 * Reading tables: what the verbs ask, and what runs it. Metadata may be large or hostile, so the
 * server answers these in reader isolates (`workers/reader_pool.ts`); tests may run them inline.
 */
import type { TableLocation } from "../../catalog/mod.ts";
import type { NamedPin } from "../../iceberg/retention/pinned_snapshots.ts";
import type {
  FileContent,
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableSchema,
} from "./schemas.ts";

/** Bounds of one read. */
export interface ReadCall {
  readonly signal?: AbortSignal;
}

/** What a report on health is told. */
export interface HealthCall extends ReadCall {
  /** Who reads which snapshots, as far as the table's name tells; nobody without it. */
  readonly pins?: readonly NamedPin[];
}

/** A page of a list; `cursor` is what an earlier page returned as `next_cursor`. */
export interface Page {
  readonly limit: number;
  readonly cursor: string | null;
}

/** Which state of a table to read; all null for the current one. */
export interface TimeTravel {
  readonly snapshotId: string | null;
  readonly ref: string | null;
  /** ISO 8601. */
  readonly timestamp: string | null;
}

/** What `files` narrows by. */
export interface FileQuery extends Page {
  readonly at: TimeTravel;
  readonly content: FileContent | null;
}

/** Answers questions about one located table. Errors are `AppError`. */
export interface TableReader {
  schema(location: TableLocation, call?: ReadCall): Promise<TableSchema>;
  snapshots(location: TableLocation, page: Page, call?: ReadCall): Promise<SnapshotList>;
  refs(location: TableLocation, page: Page, call?: ReadCall): Promise<RefList>;
  files(location: TableLocation, query: FileQuery, call?: ReadCall): Promise<FileList>;
  health(location: TableLocation, call?: HealthCall): Promise<HealthReport>;
}
