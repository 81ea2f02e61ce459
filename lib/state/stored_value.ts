/**
 * Small documents by key, such as the stored configuration. Each carries the instance that wrote it
 * last and an epoch that grows with every write, so that two instances cannot overwrite each other.
 */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { sql } from "./sql.ts";
import type { SqlReader, Transaction } from "./state.ts";

/** Largest stored document, in characters of JSON. */
export const MAX_STORED_CHARS = 1024 * 1024;

/** A document and its epoch. */
export interface StoredValue<T> {
  readonly value: T;
  /** Grows by one with each write, from 1. */
  readonly epoch: number;
  /** The instance that wrote it. */
  readonly owner: string;
  readonly updatedAtMs: number;
}

/** A write. */
export interface StoredValueWrite {
  readonly key: string;
  /** Any JSON value; it holds no 64-bit integers. */
  readonly value: unknown;
  /** The epoch that was read before, 0 where there was nothing; another one is a `conflict`. */
  readonly expectedEpoch: number;
  readonly owner: string;
  readonly atMs: number;
}

/** Options of {@linkcode readStoredValue}. */
export interface ReadStoredValueOptions<Schema extends z.ZodType> {
  /** What the document must be. */
  readonly schema: Schema;
}

const Row = z.object({
  value: z.string(),
  epoch: z.int(),
  owner: z.string(),
  updated_at: z.int(),
});

/** Reads a document, checked against `schema`; null where there is none. */
export async function readStoredValue<Schema extends z.ZodType>(
  reader: SqlReader,
  key: string,
  options: ReadStoredValueOptions<Schema>,
): Promise<StoredValue<z.output<Schema>> | null> {
  const [row] = await reader.read(
    Row,
    sql`SELECT value, epoch, owner, updated_at FROM settings WHERE key = ${key}`,
  );
  if (row === undefined) return null;
  const parsed = options.schema.safeParse(JSON.parse(row.value));
  if (!parsed.success) {
    const message = `Cannot read the stored "${key}": it is not valid for this version of drls`;
    throw new AppError("internal", "stored_value_invalid", message, {
      context: { problem: z.prettifyError(parsed.error) },
    });
  }
  const { epoch, owner, updated_at: updatedAtMs } = row;
  return { value: parsed.data, epoch, owner, updatedAtMs };
}

/** Writes a document if nobody else did meanwhile; resolves to its new epoch. */
export async function writeStoredValue(tx: Transaction, write: StoredValueWrite): Promise<number> {
  const { key, owner, expectedEpoch, atMs } = write;
  const value = JSON.stringify(write.value);
  if (value.length > MAX_STORED_CHARS) {
    const message = `Cannot store "${key}": it has ${value.length} characters, ` +
      `and at most ${MAX_STORED_CHARS} are kept`;
    throw new AppError("too_large", "stored_value_too_large", message);
  }
  const epoch = expectedEpoch + 1;
  const changed = expectedEpoch === 0
    ? await tx.run(sql`INSERT INTO settings (key, value, owner, epoch, updated_at)
        VALUES (${key}, ${value}, ${owner}, ${epoch}, ${atMs}) ON CONFLICT (key) DO NOTHING`)
    : await tx.run(sql`UPDATE settings
        SET value = ${value}, owner = ${owner}, epoch = ${epoch}, updated_at = ${atMs}
        WHERE key = ${key} AND epoch = ${expectedEpoch}`);
  if (changed === 1) return epoch;
  const message = `Cannot store "${key}": it was changed meanwhile. Read it again and repeat`;
  throw new AppError("conflict", "stored_value_changed", message, { retryable: true });
}
