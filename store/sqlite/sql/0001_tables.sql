-- A live task, whole. What is claimed from, and what is written at each claim, is apart from it.
CREATE TABLE firefly_task (
	id          INTEGER PRIMARY KEY,
	name        TEXT    NOT NULL,
	queue       TEXT    NOT NULL,
	priority    INTEGER NOT NULL,
	encoding    TEXT    NOT NULL,
	params      BLOB,
	meta        TEXT,             -- JSON object
	created     INTEGER NOT NULL, -- this and all times: microseconds since 1970
	due         INTEGER NOT NULL,
	max_retries INTEGER NOT NULL,
	retry_delay INTEGER NOT NULL, -- this and all durations: nanoseconds
	timeout     INTEGER NOT NULL,
	retries     INTEGER NOT NULL,
	crashes     INTEGER NOT NULL,
	errors      TEXT,             -- JSON array
	unique_key  TEXT
);
CREATE UNIQUE INDEX firefly_task_key ON firefly_task (unique_key) WHERE unique_key IS NOT NULL;

-- The tasks that wait, in the order of claims. urgency is -priority.
CREATE TABLE firefly_ready (
	queue   TEXT    NOT NULL,
	urgency INTEGER NOT NULL,
	due     INTEGER NOT NULL,
	id      INTEGER NOT NULL,
	name    TEXT    NOT NULL,
	PRIMARY KEY (queue, urgency, due, id)
) WITHOUT ROWID;

-- One row for each claim call. It stays for a while when it is not open any more, so that a
-- repeated claim claims nothing else.
CREATE TABLE firefly_lease (
	id     BLOB    PRIMARY KEY,
	ends   INTEGER NOT NULL,
	open   INTEGER NOT NULL,
	worker TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX firefly_lease_ends ON firefly_lease (open, ends);

-- The tasks that run, each with the lease that holds it.
CREATE TABLE firefly_running (
	task   INTEGER PRIMARY KEY,
	lease  BLOB    NOT NULL,
	cancel INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX firefly_running_lease ON firefly_running (lease);

CREATE TABLE firefly_finished (
	id          INTEGER PRIMARY KEY,
	name        TEXT    NOT NULL,
	queue       TEXT    NOT NULL,
	priority    INTEGER NOT NULL,
	encoding    TEXT    NOT NULL,
	params      BLOB,
	meta        TEXT,
	created     INTEGER NOT NULL,
	due         INTEGER NOT NULL,
	max_retries INTEGER NOT NULL,
	retry_delay INTEGER NOT NULL,
	timeout     INTEGER NOT NULL,
	retries     INTEGER NOT NULL,
	crashes     INTEGER NOT NULL,
	errors      TEXT,
	unique_key  TEXT,
	status      TEXT    NOT NULL,
	finished    INTEGER NOT NULL,
	returned    BLOB,
	ended_by    BLOB -- the lease that completed or failed it, to know a repeat
);
CREATE INDEX firefly_finished_at ON firefly_finished (finished);

CREATE TABLE firefly_queue (
	name      TEXT    PRIMARY KEY,
	paused    INTEGER NOT NULL DEFAULT 0,
	created   INTEGER NOT NULL DEFAULT 0,
	running   INTEGER NOT NULL DEFAULT 0,
	completed INTEGER NOT NULL DEFAULT 0,
	failed    INTEGER NOT NULL DEFAULT 0,
	cancelled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE firefly_counter (next INTEGER NOT NULL);
INSERT INTO firefly_counter VALUES (1);

-- The whole task, live or finished, with the same columns. A condition on id reaches the tables
-- through firefly_all, a join with it does not.
CREATE VIEW firefly_live AS
SELECT
	t.*, CASE WHEN r.task IS NULL THEN 'created' ELSE 'running' END AS status,
	NULL AS finished, NULL AS returned, r.lease, l.ends, l.worker, coalesce(r.cancel, 0) AS cancel
FROM firefly_task AS t
LEFT JOIN firefly_running AS r ON r.task = t.id
LEFT JOIN firefly_lease AS l ON l.id = r.lease;

CREATE VIEW firefly_done AS
SELECT
	id, name, queue, priority, encoding, params, meta, created, due, max_retries, retry_delay, timeout,
	retries, crashes, errors, unique_key, status, finished, returned,
	NULL AS lease, NULL AS ends, NULL AS worker, 0 AS cancel
FROM firefly_finished;

CREATE VIEW firefly_all AS SELECT * FROM firefly_live UNION ALL SELECT * FROM firefly_done;
