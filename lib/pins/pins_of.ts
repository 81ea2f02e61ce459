/** Which pins count. */
import { z } from "zod";
import type { NamedPin } from "../iceberg/retention/pinned_snapshots.ts";
import { sql, type SqlReader } from "../state/mod.ts";
import { describeHolder, type HeldPin } from "./pin.ts";

const Row = z.object({
  seq: z.int(),
  holder: z.string(),
  table_name: z.string(),
  display_name: z.string(),
  table_uuid: z.string().nullable(),
  snapshot_id: z.string().regex(/^-?\d{1,19}$/).transform(BigInt).nullable(),
  held_since: z.int(),
  pinned_at: z.int(),
  held_until: z.int().nullable(),
});

/**
 * Pins of a table by its dotted name, oldest first; those that have ended are left out. At most one
 * for each holder, whose number their own feature bounds: none may be missing from the list.
 */
export async function pinsOf(
  reader: SqlReader,
  { table, nowMs }: { readonly table: string; readonly nowMs: number },
): Promise<readonly HeldPin[]> {
  const rows = await reader.read(
    Row,
    sql`SELECT * FROM snapshot_pins WHERE table_name = ${table}
      AND (held_until IS NULL OR held_until > ${nowMs}) ORDER BY seq`,
  );
  return rows.map((row) => ({
    id: row.seq,
    holder: row.holder,
    name: row.display_name,
    table: row.table_name,
    tableUuid: row.table_uuid,
    snapshotId: row.snapshot_id,
    sinceMs: row.held_since,
    pinnedAtMs: row.pinned_at,
    untilMs: row.held_until,
  }));
}

/** Pins that need snapshots, rather than only the table. */
export function holdingSnapshots(pins: readonly HeldPin[]): readonly HeldPin[] {
  return pins.filter(({ snapshotId }) => snapshotId !== null);
}

/** Pins that need snapshots, for whoever has the table's metadata. */
export function toNamedPins(pins: readonly HeldPin[]): readonly NamedPin[] {
  return holdingSnapshots(pins).map((pin) => ({
    snapshotId: String(pin.snapshotId),
    tableUuid: pin.tableUuid,
    heldBy: describeHolder(pin),
  }));
}
