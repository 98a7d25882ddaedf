-- The consent ledger: shapes of statements, with what their owner said. They hold no values.
CREATE TABLE approvals (
  fingerprint TEXT NOT NULL PRIMARY KEY,
  connection TEXT NOT NULL,
  shape TEXT NOT NULL,
  reads TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  times BIGINT NOT NULL,
  state TEXT NOT NULL,
  decided_at BIGINT
);
CREATE INDEX approvals_state ON approvals (connection, state);
