/** The verbs that change tables: rows, columns, rollback, creation, drop. Each is an operation. */
import { type Catalog, findTable, identifierOfNew, type TableLocation } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import { parseColumnName } from "../iceberg/ddl/column_name.ts";
import { type DefinedTable, defineTable } from "../iceberg/ddl/define_table.ts";
import { formatSortField, formatTerm } from "../iceberg/ddl/format_term.ts";
import { parseSqlType } from "../iceberg/ddl/parse_sql_type.ts";
import { formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import type { JobSpec } from "../jobs/mod.ts";
import type {
  DirectOperation,
  JobOperation,
  OperationContext,
  OperationRunner,
  StartedOperation,
} from "../operations/mod.ts";
import { unlessInUse, type UseDeps } from "./_table_in_use.ts";
import { appendOperation, type AppendRequest } from "./append_operation.ts";
import {
  type AddColumnRequest,
  type ColumnChange,
  type ColumnReceipt,
  type CreateTableReceipt,
  type CreateTableRequest,
  type DropColumnRequest,
  type DropTableReceipt,
  type DropTableRequest,
  evolveJob,
  purgeTableJob,
  type PurgeTableParams,
  type RenameColumnRequest,
  rollbackJob,
  type RollbackParams,
  type RollbackReceipt,
  type RollbackRequest,
  type UpdateColumnRequest,
} from "./contract/mod.ts";
import { describeColumn } from "./contract/describe_column.ts";

/** What the verbs stand on. */
export interface TableChangesDeps extends UseDeps {
  readonly operations: OperationRunner;
}

/** The verbs. Each needs a DataEngineer, and answers once its operation is recorded. */
export interface TableChanges {
  /** Appends streamed rows in one snapshot. */
  append(ctx: OperationContext, request: AppendRequest): Promise<StartedOperation>;
  addColumn(ctx: OperationContext, request: AddColumnRequest): Promise<StartedOperation>;
  renameColumn(ctx: OperationContext, request: RenameColumnRequest): Promise<StartedOperation>;
  dropColumn(ctx: OperationContext, request: DropColumnRequest): Promise<StartedOperation>;
  updateColumn(ctx: OperationContext, request: UpdateColumnRequest): Promise<StartedOperation>;
  /** Makes an earlier snapshot the current one. `conflict`/`table_in_use` beneath a pipeline. */
  rollback(ctx: OperationContext, request: RollbackRequest): Promise<StartedOperation>;
  create(ctx: OperationContext, request: CreateTableRequest): Promise<StartedOperation>;
  /**
   * Takes a table out of its catalog, and deletes its files where that is asked for.
   * `conflict`/`table_in_use` where a running pipeline reads or writes it.
   */
  drop(ctx: OperationContext, request: DropTableRequest): Promise<StartedOperation>;
}

/** Builds the verbs. */
export function createTableChanges({ operations, ...use }: TableChangesDeps): TableChanges {
  return {
    append: (ctx, request) => operations.run(ctx, appendOperation(request)),
    addColumn: (ctx, request) =>
      operations.run(ctx, columnOperation("add-column", request, () => addition(request))),
    renameColumn: (ctx, request) =>
      operations.run(
        ctx,
        columnOperation("rename-column", request, () => {
          requireName(request.old_name, "old_name");
          requireName(request.new_name, "new_name");
          return { kind: "rename", name: request.old_name, newName: request.new_name };
        }),
      ),
    dropColumn: (ctx, request) =>
      operations.run(
        ctx,
        columnOperation("drop-column", request, () => {
          requireName(request.name, "name");
          return { kind: "drop", name: request.name };
        }),
      ),
    updateColumn: (ctx, request) =>
      operations.run(ctx, columnOperation("update-column", request, () => update(request))),
    rollback: (ctx, request) => operations.run(ctx, unlessInUse(rollback(request), use)),
    create: (ctx, request) => operations.run(ctx, creation(request)),
    drop: (ctx, request) =>
      request.purge
        ? operations.run(ctx, unlessInUse(purge(request), use))
        : operations.run(ctx, unlessInUse(removal(request), use)),
  };
}

interface TableRequest {
  readonly table: string;
  readonly dry_run: boolean;
}

interface TableJob<P, R> {
  readonly job: JobSpec<P, R>;
  /** Checks the request, once the caller's role is known. */
  readonly params: (location: TableLocation) => P;
  readonly toAudit?: (receipt: R) => { readonly before: unknown; readonly after: unknown };
}

/** An operation of a job on one table, whose receipt is what the client reads. */
function tableOperation<P, R extends Readonly<Record<string, unknown>>>(
  kind: string,
  request: TableRequest,
  { job, params, toAudit }: TableJob<P, R>,
): JobOperation<P, R> {
  const { table: name, dry_run: dryRun, ...input } = request;
  return {
    kind,
    role: "DataEngineer",
    action: `table.${kind.replaceAll("-", "_")}`,
    input,
    dryRun,
    job,
    async prepare(catalog: Catalog, signal: AbortSignal) {
      const location = await findTable(catalog, name, { signal });
      return { table: formatIdentifier(location.identifier), params: params(location) };
    },
    toDetails: (receipt) => receipt,
    ...(toAudit === undefined ? {} : { toAudit }),
  };
}

function rollback(request: RollbackRequest): JobOperation<RollbackParams, RollbackReceipt> {
  return tableOperation("rollback", request, {
    job: rollbackJob,
    params: (location) => ({
      location,
      dryRun: request.dry_run,
      snapshotId: request.snapshot_id,
    }),
    toAudit: (receipt) => ({
      before: { snapshot_id: receipt.previous_snapshot_id },
      after: { snapshot_id: receipt.current_snapshot_id },
    }),
  });
}

function columnOperation(kind: string, request: TableRequest, change: () => ColumnChange) {
  return tableOperation(kind, request, {
    job: evolveJob,
    params: (location) => ({ location, dryRun: request.dry_run, change: change() }),
    toAudit: ({ before, after }: ColumnReceipt) => ({ before, after }),
  });
}

function addition(request: AddColumnRequest): ColumnChange {
  requireName(request.name, "name");
  requireType(request.type);
  return {
    kind: "add",
    name: request.name,
    type: request.type,
    required: !request.nullable,
    doc: request.comment ?? null,
    defaultValue: request.default ?? null,
    ...positionOf(request),
  };
}

/** What is null leaves a column's type and nullability as they are. */
function update(request: UpdateColumnRequest): ColumnChange {
  requireName(request.name, "name");
  const { type, nullable, comment, default: writeDefault } = request;
  if (typeof type === "string") requireType(type);
  return {
    kind: "update",
    name: request.name,
    ...(typeof type === "string" ? { type } : {}),
    ...(typeof nullable === "boolean" ? { required: !nullable } : {}),
    ...(comment === undefined ? {} : { doc: comment }),
    ...(writeDefault === undefined ? {} : { writeDefault }),
    ...positionOf(request),
  };
}

function positionOf(
  { first, after, before }: Pick<AddColumnRequest, "first" | "after" | "before">,
): Pick<ColumnChange & { kind: "add" }, "position"> {
  if (first === true) return { position: { kind: "first" } };
  if (typeof after === "string") return { position: { kind: "after", column: after } };
  if (typeof before === "string") return { position: { kind: "before", column: before } };
  return {};
}

function requireName(name: string, path: string): void {
  withIssue(path, () => parseColumnName(name));
}

function requireType(type: string): void {
  withIssue("type", () => parseSqlType(type));
}

/** Names the field of the request that an error is about. */
function withIssue(path: string, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    const { code, message } = error;
    throw new AppError("invalid", code, message, { issues: [{ path, message }], cause: error });
  }
}

interface CreationParams {
  readonly identifier: TableIdentifier;
  readonly definition: DefinedTable;
}

/** Creating a table reads nothing large: the catalog does it in the main isolate. */
function creation(
  request: CreateTableRequest,
): DirectOperation<CreationParams, CreateTableReceipt> {
  const { table: name, dry_run: dryRun, ...input } = request;
  return {
    kind: "create-table",
    role: "DataEngineer",
    action: "table.create",
    input,
    dryRun,
    prepare(catalog) {
      const identifier = identifierOfNew(catalog, name);
      const schema = request.schema.map((column) => ({
        ...column,
        comment: column.comment ?? null,
        default: column.default ?? null,
      }));
      const definition = defineTable({ ...request, schema });
      return Promise.resolve({
        table: formatIdentifier(identifier),
        params: { identifier, definition },
      });
    },
    async perform({ identifier, definition }, { catalog, signal }) {
      if (dryRun) await requireFree(catalog, identifier, signal);
      else await catalog.createTable({ identifier, ...definition }, { signal });
      return describeDefinition(definition);
    },
    toDetails: (receipt) => receipt,
    toAudit: (receipt) => ({ before: null, after: receipt }),
  };
}

async function requireFree(
  catalog: Catalog,
  identifier: TableIdentifier,
  signal: AbortSignal,
): Promise<void> {
  try {
    await catalog.locateExactly(identifier, { signal });
  } catch (error) {
    if (error instanceof AppError && error.kind === "not_found") return;
    throw error;
  }
  const message = `Cannot create table "${formatIdentifier(identifier)}": it exists already`;
  throw new AppError("already_exists", "table_exists", message);
}

function describeDefinition(definition: DefinedTable): CreateTableReceipt {
  const { schema, spec, sortOrder, properties, formatVersion } = definition;
  return {
    columns: schema.fields.map(describeColumn),
    partition_by: spec.fields.map(({ transform, sourceIds }) =>
      formatTerm(transform, sourceIds, schema)
    ),
    sort_order: sortOrder.fields.map((field) => formatSortField(field, schema)),
    identifier_columns: schema.identifierFieldIds.map((id) => schema.findById(id)?.name ?? ""),
    properties: { ...properties },
    format_version: formatVersion,
  };
}

function purge(request: DropTableRequest): JobOperation<PurgeTableParams, DropTableReceipt> {
  const operation = tableOperation("drop-table", request, {
    job: purgeTableJob,
    params: (location) => ({ location, dryRun: request.dry_run }),
    toAudit: (receipt: DropTableReceipt) => ({ before: receipt, after: null }),
  });
  return { ...operation, action: "table.drop", exclusive: !request.dry_run };
}

/** Without a purge, dropping is one call of the catalog, and no file is looked at. */
function removal(request: DropTableRequest): DirectOperation<TableLocation, DropTableReceipt> {
  const { table: name, dry_run: dryRun, purge } = request;
  return {
    kind: "drop-table",
    role: "DataEngineer",
    action: "table.drop",
    input: { purge },
    dryRun,
    exclusive: !dryRun,
    async prepare(catalog, signal) {
      const location = await findTable(catalog, name, { signal });
      return { table: formatIdentifier(location.identifier), params: location };
    },
    async perform(location, { catalog, signal }) {
      if (!dryRun) await catalog.dropTable(location, { signal });
      return NOTHING_DELETED;
    },
    toDetails: (receipt) => receipt,
    toAudit: (receipt) => ({ before: receipt, after: null }),
  };
}

const NOTHING_DELETED: DropTableReceipt = {
  purge: false,
  deleted_data_files_count: 0,
  deleted_position_delete_files_count: 0,
  deleted_equality_delete_files_count: 0,
  deleted_manifest_files_count: 0,
  deleted_manifest_lists_count: 0,
  deleted_statistics_files_count: 0,
  deleted_metadata_files_count: 0,
  deleted_bytes_count: 0,
  failed_deletes_count: 0,
  kept_files: [],
};
