-- The whole task, live or finished, for this program to read. "since" is what an age is counted
-- from. A condition on any column reaches the tables, so that those are left out which cannot
-- have a row that meets it.
CREATE VIEW firefly.entity AS
SELECT
	t.id, t.name, t.queue, t.priority, t.encoding, t.params, t.meta, t.created, t.due, t.max_retries, t.retry_delay, t.timeout,
	t.retries, t.crashes, t.errors, t.unique_key,
	CASE WHEN w.waits THEN 'created' ELSE 'running' END AS status,
	NULL::timestamptz AS finished, NULL::bytea AS returned,
	l.lease_id, l.ends AS lease_ends, l.worker, EXISTS (SELECT FROM firefly.cancel AS c WHERE c.id = t.id) AS cancel_requested,
	t.created AS since
FROM firefly.task AS t
CROSS JOIN LATERAL (
	SELECT EXISTS (
		SELECT FROM firefly.ready AS r WHERE r.queue = t.queue AND r.priority = t.priority AND r.due = t.due AND r.id = t.id) AS waits
) AS w
LEFT JOIN LATERAL (
	SELECT l.lease_id, l.ends, l.worker FROM firefly.lease AS l
	WHERE NOT w.waits AND l.lowest <= t.id AND l.highest >= t.id AND l.ids @> ARRAY[t.id] LIMIT 1
) AS l ON true
UNION ALL
SELECT
	id, name, queue, priority, encoding, params, meta, created, due, max_retries, retry_delay, timeout, retries, crashes, errors,
	unique_key, 'completed', finished, returned, NULL, NULL, NULL, false, finished
FROM firefly.completed
UNION ALL
SELECT
	id, name, queue, priority, encoding, params, meta, created, due, max_retries, retry_delay, timeout, retries, crashes, errors,
	unique_key, CASE WHEN cancelled THEN 'cancelled' ELSE 'failed' END, finished, NULL, NULL, NULL, NULL, false, finished
FROM firefly.failed;

CREATE FUNCTION firefly.get_1(ids bigint[]) RETURNS SETOF firefly.entity LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	RETURN QUERY SELECT e.* FROM firefly.entity AS e WHERE e.id = ANY (ids);
END $$;

-- Bytes as people read them: text if they are that, else Base64.
CREATE FUNCTION firefly.readable_1(b bytea) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN convert_from(b, 'UTF8');
EXCEPTION WHEN OTHERS THEN
	RETURN encode(b, 'base64');
END $$;

-- Every task, for people. Durations are in seconds.
CREATE VIEW firefly.firefly_tasks AS
SELECT
	id, name AS func_name, queue, priority, status, created, due AS not_before,
	CASE status WHEN 'completed' THEN finished END AS completed,
	CASE status WHEN 'failed' THEN finished END AS failed,
	CASE status WHEN 'cancelled' THEN finished END AS cancelled,
	firefly.readable_1(params) AS params, firefly.readable_1(returned) AS returned,
	retries AS retry_attempts, retry_delay::double precision / 1e9 AS retry_delay, max_retries, timeout::double precision / 1e9 AS timeout, crashes,
	errors, unique_key, cancel_requested, worker, lease_ends, encoding, meta
FROM firefly.entity;
