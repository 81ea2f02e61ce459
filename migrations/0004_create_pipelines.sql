-- Streaming pipelines: what each is to do, who runs it, how far it has come; and its last batches.
-- Times are milliseconds since the epoch. Options, places, figures and errors are JSON.

CREATE TABLE pipelines (
  id TEXT PRIMARY KEY,
  -- Made of the checkpoint location: a stream is what its checkpoint says it is.
  stream_key TEXT NOT NULL UNIQUE,
  checkpoint_location TEXT NOT NULL,
  -- The catalog that it began with, as its tables' names begin and as catalogs are told apart.
  catalog_name TEXT NOT NULL,
  catalog_key TEXT NOT NULL,
  -- namespace.table, without the catalog.
  source_table TEXT NOT NULL,
  sink_table TEXT NOT NULL,
  trigger_interval TEXT NOT NULL,
  options TEXT NOT NULL,
  desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped')),
  state TEXT NOT NULL CHECK (
    state IN ('starting', 'running', 'idle', 'backing-off', 'stopping', 'stopped', 'failed')
  ),
  state_since INTEGER NOT NULL,
  -- The server that runs it; null where none does.
  instance TEXT,
  -- Grows each time a server takes it: what an earlier one still sends is refused.
  epoch INTEGER NOT NULL,
  -- Grows with each change of the pipeline that is worth a message.
  version INTEGER NOT NULL,
  -- Grows with each change of any: what others have not seen yet. Clocks of servers differ.
  change_seq INTEGER NOT NULL,
  source_uuid TEXT,
  sink_uuid TEXT,
  -- Where the stream stands, see TickParams.place.
  place TEXT,
  -- Where available-now ends.
  until_snapshot_id TEXT,
  figures TEXT NOT NULL,
  restarts INTEGER NOT NULL,
  -- Failures since the last tick that came through, and when the first of them was.
  failures INTEGER NOT NULL,
  failing_since INTEGER,
  last_error TEXT,
  principal_name TEXT NOT NULL,
  -- Digests of the idempotency key, with its principal, and of the request that started it.
  start_key TEXT UNIQUE,
  start_request TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pipelines_wanted ON pipelines (instance) WHERE desired = 'running'
  OR state NOT IN ('stopped', 'failed');

CREATE INDEX pipelines_by_change ON pipelines (change_seq);

-- How many changes of pipelines there were, ever.
CREATE TABLE pipeline_changes (seq INTEGER NOT NULL) STRICT;
INSERT INTO pipeline_changes (seq) VALUES (0);

CREATE TABLE pipeline_batches (
  pipeline_id TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
  batch_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  batch TEXT NOT NULL,
  PRIMARY KEY (pipeline_id, batch_id)
) STRICT;
