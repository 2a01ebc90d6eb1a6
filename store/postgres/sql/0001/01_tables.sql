-- A live task, whole. A claim does not touch it: only what gives a task back writes to it again.
-- Texts are compared byte by byte, so that no order depends on the database's locale.
CREATE TABLE firefly.task (
	id          bigint      PRIMARY KEY,
	due         timestamptz NOT NULL,
	created     timestamptz NOT NULL,
	retry_delay bigint      NOT NULL, -- this and all durations in tables: nanoseconds
	timeout     bigint      NOT NULL,
	max_retries integer     NOT NULL,
	retries     integer     NOT NULL DEFAULT 0,
	crashes     integer     NOT NULL DEFAULT 0,
	priority    smallint    NOT NULL,
	name        text        NOT NULL COLLATE "C",
	queue       text        NOT NULL COLLATE "C",
	encoding    text        NOT NULL COLLATE "C",
	params      bytea,
	meta        jsonb,
	errors      jsonb,
	unique_key  text COLLATE "C"
) WITH (
	vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
	autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000
);
CREATE UNIQUE INDEX task_key ON firefly.task (unique_key) WHERE unique_key IS NOT NULL;

-- One narrow row for each task that nobody holds: what a claim reads and deletes from. A lane, a
-- queue's tasks of one priority, is one range of the only index.
CREATE TABLE firefly.ready (
	id       bigint      NOT NULL,
	due      timestamptz NOT NULL,
	priority smallint    NOT NULL,
	queue    text        NOT NULL COLLATE "C",
	name     text        NOT NULL COLLATE "C"
) WITH (
	vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
	autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000
);
CREATE INDEX ready_lane ON firefly.ready (queue, priority, due, id);

-- One row for each claim call: the fence of all its tasks, and their deadline. Ids of tasks that
-- have ended stay in it; those that were given back are taken out. Compressing them costs a
-- claim more than storing them.
CREATE TABLE firefly.lease (
	lease_id uuid        PRIMARY KEY,
	ends     timestamptz NOT NULL,
	worker   text        NOT NULL COLLATE "C",
	lowest   bigint      NOT NULL, -- no id of the lease is lower
	highest  bigint      NOT NULL, -- nor higher
	ids      bigint[]    NOT NULL  -- ascending
) WITH (
	vacuum_truncate = off, fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000
);
ALTER TABLE firefly.lease ALTER ids SET STORAGE EXTERNAL;
CREATE INDEX lease_ends ON firefly.lease (ends);

-- The leases that hold nothing any more: a repeat of their claim must not claim again.
CREATE TABLE firefly.spent (
	lease_id uuid        PRIMARY KEY,
	since    timestamptz NOT NULL
);
CREATE INDEX spent_since ON firefly.spent (since);

-- The running tasks whose cancellation was asked for.
CREATE TABLE firefly.cancel (
	id       bigint PRIMARY KEY,
	lease_id uuid   NOT NULL
);

-- Finished tasks, a partition for each day (UTC), so that retention drops instead of deleting.
CREATE TABLE firefly.completed (
	LIKE firefly.task INCLUDING DEFAULTS,
	finished timestamptz NOT NULL,
	lease_id uuid, -- that ended it, to know a repeat
	returned bytea
) PARTITION BY RANGE (finished);
CREATE INDEX completed_id ON firefly.completed (id);

CREATE TABLE firefly.failed (
	LIKE firefly.task INCLUDING DEFAULTS,
	finished  timestamptz NOT NULL,
	lease_id  uuid,
	cancelled boolean NOT NULL
) PARTITION BY RANGE (finished);
CREATE INDEX failed_id ON firefly.failed (id);

-- How many tasks a queue has: totals, and what has changed since they were last added up. Every
-- statement appends, so that no two transactions fight for a row.
CREATE TABLE firefly.total (
	queue     text   PRIMARY KEY COLLATE "C",
	created   bigint NOT NULL,
	running   bigint NOT NULL,
	completed bigint NOT NULL,
	failed    bigint NOT NULL,
	cancelled bigint NOT NULL
);
CREATE TABLE firefly.tally (
	queue     text   NOT NULL COLLATE "C",
	created   bigint NOT NULL DEFAULT 0,
	running   bigint NOT NULL DEFAULT 0,
	completed bigint NOT NULL DEFAULT 0,
	failed    bigint NOT NULL DEFAULT 0,
	cancelled bigint NOT NULL DEFAULT 0
) WITH (
	vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000
);

CREATE TABLE firefly.pause (queue text PRIMARY KEY COLLATE "C");

-- Each value stands for a block of a thousand ids, which one process gives.
CREATE SEQUENCE firefly.id_block;
