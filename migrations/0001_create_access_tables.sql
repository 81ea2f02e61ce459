-- Who may use drls, how they prove it, what they did, and the stored configuration.
-- Times are milliseconds since the epoch. Secrets are stored as SHA-256 digests in hex.

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL CHECK (role IN ('Auditor', 'DataEngineer', 'LeadDataEngineer', 'Admin')),
  created_at INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;

CREATE TABLE tokens (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id),
  name TEXT,
  prefix TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE CHECK (length(secret_hash) = 64),
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) STRICT;

CREATE INDEX tokens_by_user ON tokens (user_id, seq);

-- A browser session lives by what it was started with: an API token, or the principal of a JWT
-- (as JSON), which drls does not store otherwise.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL UNIQUE CHECK (length(secret_hash) = 64),
  token_id TEXT REFERENCES tokens (id),
  jwt_principal TEXT,
  principal_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  CHECK ((token_id IS NULL) <> (jwt_principal IS NULL))
) STRICT;

CREATE INDEX sessions_by_principal ON sessions (principal_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_token ON sessions (token_id);

-- A ticket is spent by deleting its row, so that two instances cannot both accept it.
CREATE TABLE tickets (
  secret_hash TEXT PRIMARY KEY CHECK (length(secret_hash) = 64),
  token_id TEXT REFERENCES tokens (id),
  session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
  jwt_principal TEXT,
  principal_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  CHECK ((token_id IS NOT NULL) + (session_id IS NOT NULL) + (jwt_principal IS NOT NULL) = 1)
) STRICT;

CREATE INDEX tickets_by_principal ON tickets (principal_id);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
CREATE INDEX tickets_by_session ON tickets (session_id);

-- Written in the transaction of the change it reports; never updated, never deleted by drls.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  principal_id TEXT NOT NULL,
  principal_name TEXT NOT NULL,
  role TEXT NOT NULL,
  credential TEXT NOT NULL,
  agent TEXT,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT,
  after TEXT,
  request_id TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_principal ON audit (principal_id, seq);
CREATE INDEX audit_by_target ON audit (target, seq);

-- Small documents. owner is the instance that wrote last, epoch grows with each write.
CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  owner TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
