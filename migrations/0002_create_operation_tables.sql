-- Operations on tables: who asked for what, how it goes, how it ended; and answers kept for repeats.
-- Times are milliseconds since the epoch. Inputs and results are JSON.

-- A server that runs operations says that it lives; rows of one that stopped saying so are orphans.
CREATE TABLE instances (
  id TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL
) STRICT;

CREATE TABLE operations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  table_name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (
    state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled', 'unknown')
  ),
  dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
  exclusive INTEGER NOT NULL CHECK (exclusive IN (0, 1)),
  input TEXT NOT NULL,
  progress TEXT,
  -- The commit that was last about to be tried, for whoever has to find out whether it came through.
  commit_note TEXT,
  details TEXT,
  error_kind TEXT,
  error_code TEXT,
  error_detail TEXT,
  principal_id TEXT NOT NULL,
  principal_name TEXT NOT NULL,
  agent TEXT,
  instance TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  cancel_requested_at INTEGER
) STRICT;

CREATE INDEX operations_by_table ON operations (table_name, seq);
CREATE INDEX operations_by_end ON operations (ended_at);
CREATE INDEX operations_unfinished ON operations (instance) WHERE ended_at IS NULL;
-- Two servers over one state cannot both start one: the second insert fails.
CREATE UNIQUE INDEX operations_exclusive ON operations (kind, table_name)
  WHERE exclusive = 1 AND ended_at IS NULL;

CREATE TABLE idempotency_keys (
  principal_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  -- Null until a streamed request has been read to its end.
  fingerprint TEXT,
  operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  detached INTEGER NOT NULL CHECK (detached IN (0, 1)),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (principal_id, scope, key)
) STRICT;

CREATE INDEX idempotency_keys_by_operation ON idempotency_keys (operation_id);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
