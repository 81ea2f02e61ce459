/**
 * The first metadata of a table, with ids assigned anew as the reference implementation does: a
 * definition may come from another table or from a parser, and its ids mean nothing here.
 */
import { AppError } from "../../errors.ts";
import { assignFreshFieldIds } from "../evolve/assign_fresh_ids.ts";
import { parseTableMetadata } from "../spec/parse_table_metadata.ts";
import type { PartitionSpec } from "../spec/partition_spec.ts";
import { Schema } from "../spec/schema.ts";
import { serializeTableMetadata } from "../spec/serialize_table_metadata.ts";
import type { SortOrder } from "../spec/sort_order.ts";
import {
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  type FormatVersion,
  type TableMetadata,
} from "../spec/table_metadata.ts";
import { checkSchemaVersion } from "./_apply_schema.ts";
import { checkDefaultsFit, FIRST_PARTITION_FIELD_ID, UNSORTED_ORDER_ID } from "./_apply_spec.ts";
import { isReservedProperty } from "./reserved_properties.ts";
import { LAST_ADDED, type TableUpdate } from "./table_update.ts";

/** A table to create. Spec and order name the columns by the schema's own ids. */
export interface NewTable {
  readonly schema: Schema;
  readonly spec: PartitionSpec;
  readonly sortOrder: SortOrder;
  readonly properties: Readonly<Record<string, string>>;
  readonly formatVersion: FormatVersion;
}

/** What the definition leaves to the catalog. */
export interface NewTableOptions {
  /** Without a slash at its end. */
  readonly location: string;
  readonly tableUuid: string;
  readonly nowMs: number;
}

/**
 * Metadata without snapshots: schema 0 with field ids from 1, spec 0 with field ids from 1000, sort
 * order 1, or 0 where there is none. What makes no valid table is `invalid`, code
 * `table_definition_invalid`.
 */
export function newTableMetadata(table: NewTable, options: NewTableOptions): TableMetadata {
  const { formatVersion, properties } = table;
  const reserved = Object.keys(properties).find(isReservedProperty);
  if (reserved !== undefined) throw invalid(`property "${reserved}" is reserved`);
  let lastColumnId = 0;
  const fresh = freshSchema(table.schema, () => ++lastColumnId);
  const spec: PartitionSpec = {
    specId: 0,
    fields: table.spec.fields.map((field, index) => ({
      ...field,
      sourceIds: field.sourceIds.map(fresh.idOf),
      fieldId: FIRST_PARTITION_FIELD_ID + index,
    })),
  };
  const orderId = table.sortOrder.fields.length === 0 ? UNSORTED_ORDER_ID : 1;
  const sortOrder: SortOrder = {
    orderId,
    fields: table.sortOrder.fields.map((field) => ({
      ...field,
      sourceIds: field.sourceIds.map(fresh.idOf),
    })),
  };
  const metadata: TableMetadata = {
    formatVersion,
    tableUuid: options.tableUuid,
    location: options.location,
    lastSequenceNumber: 0n,
    lastUpdatedMs: options.nowMs,
    lastColumnId,
    schemas: [fresh.schema],
    currentSchemaId: 0,
    partitionSpecs: [spec],
    defaultSpecId: 0,
    lastPartitionId: FIRST_PARTITION_FIELD_ID + spec.fields.length - 1,
    sortOrders: [sortOrder],
    defaultSortOrderId: orderId,
    properties: { ...properties },
    currentSnapshotId: null,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
    nextRowId: formatVersion === 3 ? 0n : null,
    encryptionKeys: [],
    extra: {},
  };
  return requireValid(metadata);
}

/** The updates that make a REST catalog create the table; with the requirement `assert-create`. */
export function newTableUpdates(metadata: TableMetadata): readonly TableUpdate[] {
  const { tableUuid, formatVersion, location, properties } = metadata;
  return [
    ...(tableUuid === null ? [] : [{ action: "assign-uuid", uuid: tableUuid } as const]),
    { action: "upgrade-format-version", formatVersion },
    { action: "add-schema", schema: currentSchema(metadata) },
    { action: "set-current-schema", schemaId: LAST_ADDED },
    { action: "add-spec", spec: defaultSpec(metadata) },
    { action: "set-default-spec", specId: LAST_ADDED },
    { action: "add-sort-order", sortOrder: defaultSortOrder(metadata) },
    { action: "set-default-sort-order", sortOrderId: LAST_ADDED },
    { action: "set-location", location },
    { action: "set-properties", updates: properties },
  ];
}

interface FreshSchema {
  readonly schema: Schema;
  /** The fresh id of a field by the one it had. */
  readonly idOf: (id: number) => number;
}

function freshSchema({ fields, identifierFieldIds }: Schema, nextId: () => number): FreshSchema {
  const renumbered = assignFreshFieldIds(fields, nextId);
  const old = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
  const fresh = new Schema({ schemaId: 0, fields: renumbered, identifierFieldIds: [] });
  const oldIds = [...old.allFields()].map((path) => path.field.id);
  const freshIds = [...fresh.allFields()].map((path) => path.field.id);
  if (oldIds.length !== freshIds.length) throw invalid("two of its columns have the same id");
  // Both are walked in the same order, so that the ids pair up.
  const paired = new Map(oldIds.map((id, index) => [id, freshIds[index] ?? 0]));
  const idOf = (id: number) => {
    const found = paired.get(id);
    if (found === undefined) throw invalid(`no column of its schema has the id ${id}`);
    return found;
  };
  const schema = new Schema({
    schemaId: 0,
    fields: renumbered,
    identifierFieldIds: identifierFieldIds.map(idOf),
  });
  return { schema, idOf };
}

/** Nobody could open a table whose first metadata breaks the specification; so none is created. */
function requireValid(metadata: TableMetadata): TableMetadata {
  try {
    checkSchemaVersion(currentSchema(metadata), metadata.formatVersion);
    checkDefaultsFit(metadata);
    checkPartitionNames(metadata);
    const bytes = new TextEncoder().encode(serializeTableMetadata(metadata));
    return parseTableMetadata(bytes, { location: metadata.location });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw invalid(cause.message, cause);
  }
}

/** A partition field shares no name with a column, unless it is that column's own values. */
function checkPartitionNames(metadata: TableMetadata): void {
  const schema = currentSchema(metadata);
  for (const { name, transform, sourceIds } of defaultSpec(metadata).fields) {
    const column = schema.findByName(name)?.field.id;
    const isOwn = transform.kind === "identity" && sourceIds[0] === column;
    if (column === undefined || isOwn) continue;
    throw invalid(`partition field "${name}" has the name of a column`);
  }
}

function invalid(reason: string, cause?: unknown): AppError {
  return new AppError(
    "invalid",
    "table_definition_invalid",
    `Cannot create the table: its definition is not valid: ${reason}`,
    { cause },
  );
}
