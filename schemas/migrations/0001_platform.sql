-- Platform state. The tenant leads every primary key; times are µs since 1970 UTC; sealed columns hold
-- AES-256-GCM under the tenant's key. The same text runs on SQLite and PostgreSQL.
CREATE TABLE tenants (
  tenant TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  tier TEXT NOT NULL,
  wrapped_key BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);
-- last_ordinal numbers the connector's commands. Taking the next one locks the row, so that ordinals become
-- visible in their order and a session that has sent number n never misses a smaller one.
CREATE TABLE connectors (
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  connector_id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  installation_id TEXT,
  public_key BYTEA,
  key_id TEXT,
  agent_version TEXT,
  epoch BIGINT NOT NULL,
  connected_at BIGINT,
  seen_at BIGINT,
  last_ordinal BIGINT NOT NULL,
  PRIMARY KEY (tenant, connector_id),
  UNIQUE (tenant, name)
);
CREATE TABLE api_keys (
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  key_id TEXT NOT NULL,
  connector_id TEXT NOT NULL,
  salt BYTEA NOT NULL,
  hash BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT,
  revoked_at BIGINT,
  PRIMARY KEY (tenant, key_id),
  FOREIGN KEY (tenant, connector_id) REFERENCES connectors (tenant, connector_id)
);
CREATE INDEX api_keys_live ON api_keys (tenant, connector_id) WHERE revoked_at IS NULL;
CREATE TABLE api_tokens (
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  token_id TEXT NOT NULL,
  name TEXT NOT NULL,
  salt BYTEA NOT NULL,
  hash BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT,
  PRIMARY KEY (tenant, token_id)
);
CREATE TABLE schemas (
  tenant TEXT NOT NULL,
  connector_id TEXT NOT NULL,
  connection TEXT NOT NULL,
  version BIGINT NOT NULL,
  body TEXT NOT NULL,
  published_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, connector_id, connection, version),
  FOREIGN KEY (tenant, connector_id) REFERENCES connectors (tenant, connector_id)
);
CREATE TABLE workflows (
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  workflow_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  definition TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, workflow_id, version),
  UNIQUE (tenant, name, version)
);
CREATE TABLE executions (
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  execution_id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  workflow_version BIGINT NOT NULL,
  idempotency_key TEXT,
  status TEXT NOT NULL,
  control TEXT,
  waiting_on TEXT,
  created_at BIGINT NOT NULL,
  finished_at BIGINT,
  summary TEXT,
  PRIMARY KEY (tenant, execution_id),
  FOREIGN KEY (tenant, workflow_id, workflow_version) REFERENCES workflows (tenant, workflow_id, version)
);
CREATE UNIQUE INDEX executions_idempotency ON executions (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX executions_newest ON executions (tenant, created_at, execution_id);
CREATE TABLE events (
  tenant TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  time BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, execution_id, seq),
  FOREIGN KEY (tenant, execution_id) REFERENCES executions (tenant, execution_id)
);
-- run_at is when a worker may take the job: for a held one, when its lease runs out. So one index answers
-- both "what is due" and "when is something due".
CREATE TABLE jobs (
  tenant TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  priority BIGINT NOT NULL,
  run_at BIGINT NOT NULL,
  held BIGINT NOT NULL,
  lease_token BIGINT NOT NULL,
  woken BIGINT NOT NULL,
  lost_leases BIGINT NOT NULL,
  PRIMARY KEY (tenant, execution_id),
  FOREIGN KEY (tenant, execution_id) REFERENCES executions (tenant, execution_id)
);
CREATE INDEX jobs_due ON jobs (tier, run_at);
CREATE TABLE commands (
  tenant TEXT NOT NULL,
  command_id TEXT NOT NULL,
  connector_id TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  status TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  attempt_epoch BIGINT NOT NULL,
  sealed_body BYTEA NOT NULL,
  sealed_result BYTEA,
  consumed BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  acked_at BIGINT,
  finished_at BIGINT,
  waiting_on TEXT,
  PRIMARY KEY (tenant, command_id),
  FOREIGN KEY (tenant, connector_id) REFERENCES connectors (tenant, connector_id)
);
CREATE INDEX commands_open ON commands (tenant, connector_id, ordinal, status) WHERE status IN ('queued', 'acked');
CREATE INDEX commands_expiring ON commands (expires_at) WHERE status IN ('queued', 'acked');
CREATE INDEX commands_execution ON commands (tenant, execution_id, consumed);
CREATE INDEX commands_finished ON commands (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE cursors (
  tenant TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  step TEXT NOT NULL,
  position TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, workflow_id, step)
);
CREATE TABLE notices (
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  notice_id TEXT NOT NULL,
  time BIGINT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (tenant, time, notice_id)
);
