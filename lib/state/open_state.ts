/** Opens the database and brings its schema up to date. */
import { MIGRATIONS } from "../../migrations/mod.ts";
import { type ClientOptions, openClients } from "./_clients.ts";
import { Database } from "./_database.ts";
import { toStateError } from "./_sql_error.ts";
import { migrate, type Migration } from "./migrate.ts";
import type { State } from "./state.ts";

/** Options of {@linkcode openState}. */
export interface OpenStateOptions extends ClientOptions {
  /** Those of this binary by default. */
  readonly migrations?: readonly Migration[];
  /** See `TRANSACTION_TIMEOUT_MS`. */
  readonly transactionTimeoutMs?: number;
}

/**
 * Opens an embedded or remote database and migrates it. Safe when several instances start at once.
 * Kinds: `invalid` (the URL), `unsupported` (written by a newer drls), `unavailable`.
 */
export async function openState(options: OpenStateOptions): Promise<State> {
  const { migrations = MIGRATIONS } = options;
  const remote = !options.url.startsWith("file:");
  const clients = await openClients(options).catch((error) => {
    throw toStateError(error, { remote });
  });
  const database = new Database(clients, options);
  try {
    await migrate(database, migrations);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
