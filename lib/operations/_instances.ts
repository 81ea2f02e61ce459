/**
 * Servers that run operations over one state. Each says every few seconds that it lives; what one
 * that stopped saying so had begun is closed by the others, and by its successor.
 */
import { z } from "zod";
import { sql, type State } from "../state/mod.ts";
import { IDEMPOTENCY_MS, KEPT_MS, SERVER_STOPPED } from "./_store.ts";

/** How often a server says that it lives. */
export const HEARTBEAT_MS = 5_000;
/** A server that has said nothing for this long is dead: several heartbeats, and a slow disk. */
export const DEAD_AFTER_MS = 30_000;

/** One server over the state. */
export interface Instance {
  readonly state: State;
  readonly instance: string;
  readonly nowMs: number;
}

/**
 * Says that the server lives, closes what dead ones left, forgets what is old. Resolves to the ids of
 * its own running operations that somebody asked to stop.
 */
export async function beat({ state, instance, nowMs }: Instance): Promise<readonly string[]> {
  return await state.transaction(async (tx) => {
    await tx.run(sql`INSERT INTO instances (id, started_at, heartbeat_at)
      VALUES (${instance}, ${nowMs}, ${nowMs})
      ON CONFLICT (id) DO UPDATE SET heartbeat_at = ${nowMs}`);
    await tx.run(sql`DELETE FROM instances WHERE heartbeat_at < ${nowMs - DEAD_AFTER_MS}`);
    // One that was about to commit may have: only the table can tell.
    await tx.run(sql`UPDATE operations SET ended_at = ${nowMs},
      state = CASE WHEN commit_note IS NULL THEN 'failed' ELSE 'unknown' END,
      error_kind = CASE WHEN commit_note IS NULL THEN 'unavailable' ELSE 'commit_state_unknown' END,
      error_code = ${SERVER_STOPPED},
      error_detail = CASE WHEN commit_note IS NULL
        THEN 'The server stopped before the operation changed the table'
        ELSE 'The server stopped while the operation changed the table; look at the table to ' ||
          'see whether the change came through' END
      WHERE ended_at IS NULL AND instance NOT IN (SELECT id FROM instances)`);
    await tx.run(sql`DELETE FROM idempotency_keys WHERE created_at < ${nowMs - IDEMPOTENCY_MS}`);
    await tx.run(sql`DELETE FROM operations WHERE ended_at < ${nowMs - KEPT_MS}`);
    const asked = await tx.read(
      z.object({ id: z.string() }),
      sql`SELECT id FROM operations WHERE instance = ${instance} AND ended_at IS NULL
        AND cancel_requested_at IS NOT NULL`,
    );
    return asked.map(({ id }) => id);
  });
}

/** The server stops: its rows are nobody's from now on. */
export async function leave({ state, instance }: Omit<Instance, "nowMs">): Promise<void> {
  await state.transaction(async (tx) => {
    await tx.run(sql`DELETE FROM instances WHERE id = ${instance}`);
  });
}
