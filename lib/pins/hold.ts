/** Takes, moves and lets go pins, inside the transaction in which the caller stores its progress. */
import { sql, type Transaction } from "../state/mod.ts";
import type { Pin } from "./pin.ts";

/** A pin, and when it is taken or moved. */
export interface PinToHold extends Pin {
  readonly atMs: number;
}

/**
 * Takes a pin, or moves the one that the holder has of this table. Pins move forward only, along the
 * lineage of the table: an expiry under way counts on it. A holder that goes back lets go first.
 */
export async function hold(tx: Transaction, pin: PinToHold): Promise<void> {
  const { holder, name, table, tableUuid, untilMs, atMs } = pin;
  const snapshotId = pin.snapshotId === null ? null : String(pin.snapshotId);
  // What has ended may be expired by now, and another table is another pin: neither goes on.
  await tx.run(sql`DELETE FROM snapshot_pins WHERE held_until <= ${atMs}
    OR (holder = ${holder} AND table_name = ${table} AND table_uuid IS NOT ${tableUuid})`);
  await tx.run(sql`INSERT INTO snapshot_pins
    (holder, table_name, display_name, table_uuid, snapshot_id, held_since, pinned_at, held_until)
    VALUES (${holder}, ${table}, ${name}, ${tableUuid}, ${snapshotId}, ${atMs}, ${atMs}, ${untilMs})
    ON CONFLICT (holder, table_name) DO UPDATE SET display_name = excluded.display_name,
      snapshot_id = excluded.snapshot_id, pinned_at = excluded.pinned_at,
      held_until = excluded.held_until`);
}

/** Lets go of every table that the holder has pinned. */
export async function release(tx: Transaction, holder: string): Promise<void> {
  await tx.run(sql`DELETE FROM snapshot_pins WHERE holder = ${holder}`);
}
