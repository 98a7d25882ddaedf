-- The agent's own memory. Sealed columns hold AES-256-GCM under a key from the vault; times are µs since 1970 UTC.
CREATE TABLE facts (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE commands (
  command_id TEXT NOT NULL PRIMARY KEY,
  idempotency_key TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  status TEXT NOT NULL,
  sealed_body BYTEA,
  sealed_outcome BYTEA,
  bytes BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE INDEX commands_status ON commands (status, received_at);
CREATE TABLE epochs (
  work TEXT NOT NULL PRIMARY KEY,
  execution_id TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE approved_schemas (
  connection TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  approved_at BIGINT NOT NULL
);
