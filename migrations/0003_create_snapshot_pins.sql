-- Who needs a table, and the oldest of its snapshots that they still read from: leases, not tags.
-- Times are milliseconds since the epoch. Snapshot ids are 64-bit integers, hence text.

CREATE TABLE snapshot_pins (
  -- Never used twice: a pin that was let go and taken again is another one.
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  holder TEXT NOT NULL,
  table_name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  -- Null where the table has none; a table of another uuid under the same name is not held.
  table_uuid TEXT,
  -- Null where the table is used and no snapshot of it is needed, as a sink is.
  snapshot_id TEXT,
  held_since INTEGER NOT NULL,
  pinned_at INTEGER NOT NULL,
  -- Null for as long as the holder runs.
  held_until INTEGER,
  UNIQUE (holder, table_name)
) STRICT;

CREATE INDEX snapshot_pins_by_table ON snapshot_pins (table_name, seq);
CREATE INDEX snapshot_pins_by_end ON snapshot_pins (held_until) WHERE held_until IS NOT NULL;
