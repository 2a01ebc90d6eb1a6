-- Stores tasks without unique keys that are no repeats, and returns the time. It reads no table, so
-- there is no plan to pin, and a statement costs half of what a function's call does. Arrays are
-- hidden in subqueries, so that their lengths, which the planner would look at, make no custom plan
-- seem better than the generic one: it would plan each call anew.
WITH clock AS MATERIALIZED (
	SELECT
		clock_timestamp() + $1::bigint * interval '1 microsecond' AS at,
		CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END AS raised
), new AS (
	INSERT INTO firefly.task AS t (id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params, meta)
	SELECT
		x.id, CASE WHEN x.eta > clock.at THEN x.eta ELSE clock.at + x.delay * interval '1 microsecond' END, clock.at,
		x.retry_delay, x.timeout, x.max_retries, x.priority, x.name, x.queue, x.encoding, x.params, x.meta::jsonb
	FROM clock, unnest(
		(SELECT $2::bigint[]), (SELECT $3::text[]), (SELECT $4::text[]), (SELECT $5::smallint[]), (SELECT $6::text[]),
		(SELECT $7::bytea[]), (SELECT $8::text[]), (SELECT $9::timestamptz[]), (SELECT $10::bigint[]), (SELECT $11::integer[]),
		(SELECT $12::bigint[]), (SELECT $13::bigint[])
	) AS x (id, name, queue, priority, encoding, params, meta, eta, delay, max_retries, retry_delay, timeout)
	RETURNING t.id, t.due, t.priority, t.queue, t.name
), waits AS (
	INSERT INTO firefly.ready (id, due, priority, queue, name) SELECT id, due, priority, queue, name FROM new
), counted AS (
	INSERT INTO firefly.tally (queue, created) SELECT queue, count(*) FROM new GROUP BY queue
)
SELECT at FROM clock
