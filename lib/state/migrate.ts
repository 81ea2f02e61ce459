/**
 * Brings the schema up to this binary's. Forward only: each migration runs once, in a transaction
 * with the row that records it, so instances that start together apply each exactly once.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Database, ScriptTransaction } from "./_database.ts";
import { sql } from "./sql.ts";

/** One step of the schema, embedded in the binary. */
export interface Migration {
  /** `0001_create_users`: its first part is its place in the order. */
  readonly name: string;
  readonly sql: string;
}

const AppliedRow = z.object({ version: z.int(), name: z.string(), checksum: z.string() });
type AppliedRow = z.infer<typeof AppliedRow>;

/** Applies what is missing; resolves to the names it applied. */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const names: string[] = [];
  // A lock per step, not one for all: a long step must not outlast the bound of a transaction.
  for (;;) {
    const name = await database.transaction((tx) => applyNext(tx, migrations));
    if (name === null) return names;
    names.push(name);
  }
}

/** SHA-256 of a migration, whatever line ends a checkout gave it. */
export function migrationChecksum(migration: Migration): string {
  return createHash("sha256").update(migration.sql.replaceAll("\r\n", "\n")).digest("hex");
}

async function applyNext(
  tx: ScriptTransaction,
  migrations: readonly Migration[],
): Promise<string | null> {
  await tx.run(sql`CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL) STRICT`);
  const applied = await tx.read(
    AppliedRow,
    sql`SELECT version, name, checksum FROM migrations ORDER BY version`,
  );
  checkApplied(applied, migrations);
  const next = migrations[applied.length];
  if (next === undefined) return null;
  await tx.script(next.sql);
  await tx.run(sql`INSERT INTO migrations (version, name, checksum, applied_at)
    VALUES (${applied.length + 1}, ${next.name}, ${migrationChecksum(next)}, ${Date.now()})`);
  return next.name;
}

/** What is recorded must be a prefix of what we know, byte for byte. */
function checkApplied(applied: readonly AppliedRow[], migrations: readonly Migration[]): void {
  for (const [index, row] of applied.entries()) {
    const known = migrations[index];
    if (known === undefined) {
      const message = `Cannot open the state: it was migrated to "${row.name}" by a newer drls, ` +
        `and this one knows ${migrations.length} migrations. Start that version or a later one`;
      throw new AppError("unsupported", "state_too_new", message);
    }
    if (row.version !== index + 1 || row.checksum !== migrationChecksum(known)) {
      const message = `Cannot open the state: migration "${known.name}" differs from the one ` +
        `recorded as "${row.name}". Start the version of drls that wrote it`;
      throw new AppError("unsupported", "state_migration_differs", message, {
        context: { recorded: row.checksum, known: migrationChecksum(known) },
      });
    }
  }
}
