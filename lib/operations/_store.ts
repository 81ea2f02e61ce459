/** What of operations is stored, and the statements that store it. */
import { z } from "zod";
import { AppError, type ErrorKind } from "../errors.ts";
import { allOf, type Sql, sql, type SqlReader, type Transaction } from "../state/mod.ts";
import { OperationRow } from "./_rows.ts";
import type { OperationFilter, OperationState } from "./schemas.ts";

/** A repeat of a request within this time gets the first answer. */
export const IDEMPOTENCY_MS = 24 * 3_600_000;
/** Ended operations are forgotten after this time. */
export const KEPT_MS = 30 * 24 * 3_600_000;

/** Error code of operations whose server was taken for dead. */
export const SERVER_STOPPED = "server_stopped";

/** An operation to record. */
export interface NewOperation {
  readonly id: string;
  readonly kind: string;
  readonly table: string;
  readonly dryRun: boolean;
  readonly exclusive: boolean;
  readonly input: Readonly<Record<string, unknown>>;
  readonly principalId: string;
  readonly principalName: string;
  readonly agent: string | null;
  readonly instance: string;
  readonly atMs: number;
}

/** Records an operation as running; `operation_running` where an exclusive one is under way. */
export async function insertOperation(tx: Transaction, one: NewOperation): Promise<void> {
  if (one.exclusive) {
    const [running] = await tx.read(
      z.object({ id: z.string() }),
      sql`SELECT id FROM operations WHERE kind = ${one.kind} AND table_name = ${one.table}
        AND exclusive = 1 AND ended_at IS NULL`,
    );
    if (running !== undefined) throw alreadyRunning(one, running.id);
  }
  await tx.run(sql`INSERT INTO operations
    (id, kind, table_name, state, dry_run, exclusive, input, principal_id, principal_name, agent,
      instance, created_at, started_at)
    VALUES (${one.id}, ${one.kind}, ${one.table}, 'running', ${Number(one.dryRun)},
      ${Number(one.exclusive)}, ${toJson(one.input)}, ${one.principalId}, ${one.principalName},
      ${one.agent}, ${one.instance}, ${one.atMs}, ${one.atMs})`);
}

/** Remembers the change that an operation is about to make; false where it has ended. */
export async function noteCommit(
  tx: Transaction,
  { id, note }: { readonly id: string; readonly note: unknown },
): Promise<boolean> {
  const changed = await tx.run(sql`UPDATE operations SET commit_note = ${toJson(note)}
    WHERE id = ${id} AND ended_at IS NULL`);
  return changed === 1;
}

/** Changes of a table that somebody asks about. */
export interface ChangesOfTable {
  /** `namespace.table`. */
  readonly table: string;
  /** Kinds of operations: `expire`, `drop-table`. */
  readonly kinds: readonly string[];
}

/**
 * Whether an operation of such a kind has leave to change the table and has not ended. Ask within the
 * transaction that stores what the operation would have been refused for: one that gets leave later
 * sees it, and one that got it before is found here.
 */
export async function isChangeUnderWay(
  reader: SqlReader,
  { table, kinds }: ChangesOfTable,
): Promise<boolean> {
  const rows = await reader.read(
    z.object({ kind: z.string() }),
    sql`SELECT DISTINCT kind FROM operations WHERE table_name = ${table}
      AND ended_at IS NULL AND commit_note IS NOT NULL AND dry_run = 0`,
  );
  return rows.some(({ kind }) => kinds.includes(kind));
}

/** How an operation ended. */
export interface OperationEnd {
  readonly state: OperationState;
  readonly details: string | null;
  readonly error:
    | { readonly kind: ErrorKind; readonly code: string; readonly detail: string }
    | null;
  readonly atMs: number;
}

/**
 * Records the end, unless one is recorded; whether it was. Where others took the operation's server
 * for dead, they only guessed: what the server itself says counts.
 */
export async function endOperation(
  tx: Transaction,
  id: string,
  { state, details, error, atMs }: OperationEnd,
): Promise<boolean> {
  const changed = await tx.run(sql`UPDATE operations SET state = ${state}, details = ${details},
    error_kind = ${error?.kind ?? null}, error_code = ${error?.code ?? null},
    error_detail = ${error?.detail ?? null}, ended_at = ${atMs}
    WHERE id = ${id} AND (ended_at IS NULL OR error_code = ${SERVER_STOPPED})`);
  return changed === 1;
}

/** One operation, or null. */
export async function findOperation(reader: SqlReader, id: string): Promise<OperationRow | null> {
  const [row] = await reader.read(OperationRow, sql`SELECT * FROM operations WHERE id = ${id}`);
  return row ?? null;
}

/** A page of operations, newest first; `before` is the last one's place of the page before. */
export async function listOperations(
  reader: SqlReader,
  { filter, before, limit }: {
    readonly filter: OperationFilter;
    readonly before: number | null;
    readonly limit: number;
  },
): Promise<readonly OperationRow[]> {
  const conditions: Sql[] = [];
  const { operation, table, state } = filter;
  if (operation !== undefined) conditions.push(sql`kind = ${operation}`);
  if (table !== undefined) conditions.push(sql`table_name = ${table}`);
  if (state !== undefined) conditions.push(sql`state = ${state}`);
  if (before !== null) conditions.push(sql`seq < ${before}`);
  return await reader.read(
    OperationRow,
    sql`SELECT * FROM operations WHERE ${allOf(conditions)} ORDER BY seq DESC LIMIT ${limit}`,
  );
}

/** Where a client's key leads. */
export const KeyRow = z.object({
  fingerprint: z.string().nullable(),
  operation_id: z.string(),
  detached: z.int().transform((value) => value === 1),
});
export type KeyRow = z.output<typeof KeyRow>;

/** A key as one client chose it for one kind of request. */
export interface ClientKey {
  readonly principalId: string;
  readonly scope: string;
  readonly key: string;
}

/** What a key was used for within the time that answers are kept; null for nothing. */
export async function findKey(
  reader: SqlReader,
  { principalId, scope, key, nowMs }: ClientKey & { readonly nowMs: number },
): Promise<KeyRow | null> {
  const [row] = await reader.read(
    KeyRow,
    sql`SELECT fingerprint, operation_id, detached FROM idempotency_keys
      WHERE principal_id = ${principalId} AND scope = ${scope} AND key = ${key}
      AND created_at > ${nowMs - IDEMPOTENCY_MS}`,
  );
  return row ?? null;
}

/** Remembers what a key was used for; an older use of it is forgotten. */
export async function insertKey(
  tx: Transaction,
  one: ClientKey & {
    readonly fingerprint: string | null;
    readonly operationId: string;
    readonly detached: boolean;
    readonly atMs: number;
  },
): Promise<void> {
  await tx.run(sql`INSERT OR REPLACE INTO idempotency_keys
    (principal_id, scope, key, fingerprint, operation_id, detached, created_at)
    VALUES (${one.principalId}, ${one.scope}, ${one.key}, ${one.fingerprint}, ${one.operationId},
      ${Number(one.detached)}, ${one.atMs})`);
}

/** Details and inputs as JSON; 64-bit integers are text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, one) => typeof one === "bigint" ? String(one) : one);
}

/** Kind `conflict`, code `operation_running`. */
export function alreadyRunning(one: Pick<NewOperation, "kind" | "table">, id: string): AppError {
  const message =
    `Cannot ${one.kind} "${one.table}": operation "${id}" does so already; wait for ` +
    "it, or cancel it";
  return new AppError("conflict", "operation_running", message, { retryAfterSeconds: 5 });
}
