/**
 * Statements that change a sql catalog. Each is one statement, atomic by itself, and says what it
 * expects to find: sent twice, it has the effect of once. So a lost reply is settled by sending it
 * again and, where that finds something else, by reading the row.
 */
import type { InArgs } from "@libsql/client";
import { AppError } from "../errors.ts";
import { formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import { commitConflict, tableExists, tableNotFound } from "./_names.ts";
import type { SqlClient, SqlQueryOptions } from "./_sql_client.ts";

/** Times one statement is sent before its outcome counts as unknown. */
const MAX_SENDS = 3;

/** A table's key in the database. */
export interface TableKey {
  readonly catalogName: string;
  readonly identifier: TableIdentifier;
}

/** A table's row, as far as commits look at it. */
export interface TableRow {
  readonly metadataLocation: string | null;
  readonly previousMetadataLocation: string | null;
}

/** The row of a table, whatever kind of thing it is; null where there is none. */
export async function readTableRow(
  client: SqlClient,
  key: TableKey,
  options: SqlQueryOptions = {},
): Promise<TableRow | null> {
  const sql = `SELECT metadata_location AS current, previous_metadata_location AS previous
    FROM iceberg_tables WHERE ${KEY}`;
  const row = (await client.query(sql, keyArgs(key), options))[0];
  if (row === undefined) return null;
  const text = (value: unknown) => typeof value === "string" ? value : null;
  return {
    metadataLocation: text(row["current"]),
    previousMetadataLocation: text(row["previous"]),
  };
}

/** A move of a table's pointer. */
export interface MetadataSwap extends SqlQueryOptions {
  readonly base: string;
  readonly next: string;
}

/** Moves a table's pointer from `base` to `next`; see `CatalogGateway.commit` for its errors. */
export async function swapMetadata(
  client: SqlClient,
  key: TableKey,
  options: MetadataSwap,
): Promise<void> {
  const { base, next } = options;
  const name = formatIdentifier(key.identifier);
  const sql = `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
    WHERE ${KEY} AND metadata_location = ?`;
  const args = [next, base, ...keyArgs(key), base];
  await settle(client, { sql, args, action: `commit to table "${name}"` }, {
    ...options,
    async judge(isRepeat) {
      const row = await readTableRow(client, key);
      // The name of `next` is unique, so nobody else can have put it there.
      const isOurs = row?.metadataLocation === next || row?.previousMetadataLocation === next;
      if (isOurs) return "done";
      if (isRepeat) return "unknown";
      throw row === null ? tableNotFound(name) : commitConflict(`commit to table "${name}"`);
    },
  });
}

/** A row to add. */
export interface NewTableRow extends SqlQueryOptions {
  readonly metadataLocation: string;
  /** Whether the table has the column `iceberg_type`, schema V1. */
  readonly hasType: boolean;
}

/** Adds a table's row; `already_exists` where its key is taken. */
export async function insertTable(
  client: SqlClient,
  key: TableKey,
  options: NewTableRow,
): Promise<void> {
  const { metadataLocation, hasType } = options;
  const [type, value] = hasType ? [", iceberg_type", ", 'TABLE'"] : ["", ""];
  // Without relying on the primary key, which a table made by hand may lack.
  const sql = `INSERT INTO iceberg_tables
    (catalog_name, table_namespace, table_name, metadata_location${type})
    SELECT ?, ?, ?, ?${value} WHERE NOT EXISTS (SELECT 1 FROM iceberg_tables WHERE ${KEY})`;
  const args = [...keyArgs(key), metadataLocation, ...keyArgs(key)];
  const action = `create table "${formatIdentifier(key.identifier)}"`;
  await settle(client, { sql, args, action }, {
    ...options,
    async judge(isRepeat) {
      const row = await readTableRow(client, key);
      const isOurs = row?.metadataLocation === metadataLocation ||
        row?.previousMetadataLocation === metadataLocation;
      if (isOurs) return "done";
      if (isRepeat || row === null) return "unknown";
      throw tableExists(key.identifier);
    },
  });
}

/** A row to remove. */
export interface DroppedTableRow extends SqlQueryOptions {
  readonly metadataLocation: string;
}

/** Removes a table's row if it still points to `metadataLocation`. */
export async function deleteTable(
  client: SqlClient,
  key: TableKey,
  options: DroppedTableRow,
): Promise<void> {
  const name = formatIdentifier(key.identifier);
  const sql = `DELETE FROM iceberg_tables WHERE ${KEY} AND metadata_location = ?`;
  const args = [...keyArgs(key), options.metadataLocation];
  await settle(client, { sql, args, action: `drop table "${name}"` }, {
    ...options,
    async judge(isRepeat) {
      const row = await readTableRow(client, key);
      // Gone after a reply was lost: by us or by another, and there is no telling them apart.
      if (row === null && isRepeat) return "done";
      throw row === null ? tableNotFound(name) : commitConflict(`drop table "${name}"`);
    },
  });
}

/** One change, and what its messages call it. */
interface Change {
  readonly sql: string;
  readonly args: InArgs;
  readonly action: string;
}

interface SettleOptions extends SqlQueryOptions {
  /** What it means that the statement found nothing to change; `isRepeat` after a lost reply. */
  readonly judge: (isRepeat: boolean) => Promise<"done" | "unknown">;
}

async function settle(client: SqlClient, change: Change, options: SettleOptions): Promise<void> {
  const { signal, judge } = options;
  let lost: unknown;
  for (let sends = 1; sends <= MAX_SENDS; sends++) {
    try {
      // A signal ends waiting for a lock, but nothing that was sent.
      const changed = await client.write(change.sql, change.args, sends === 1 ? { signal } : {});
      if (changed > 0 || await judge(lost !== undefined) === "done") return;
      break;
    } catch (error) {
      const isUnknown = error instanceof AppError && error.kind === "commit_state_unknown";
      if (!isUnknown && lost === undefined) throw error;
      lost = error;
    }
  }
  const message = `Cannot tell whether it was possible to ${change.action}: the database's reply ` +
    "was lost; look at the table before trying again";
  throw new AppError("commit_state_unknown", "commit_state_unknown", message, { cause: lost });
}

const KEY = "catalog_name = ? AND table_namespace = ? AND table_name = ?";

function keyArgs({ catalogName, identifier }: TableKey): string[] {
  return [catalogName, identifier.namespace.join("."), identifier.name];
}
