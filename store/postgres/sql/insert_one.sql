-- insert_plain.sql for a single task: half as much again is saved where nothing is an array.
WITH clock AS MATERIALIZED (
	SELECT
		clock_timestamp() + $1::bigint * interval '1 microsecond' AS at,
		CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END AS raised
), new AS (
	INSERT INTO firefly.task AS t (id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params, meta)
	SELECT
		$2::bigint, CASE WHEN $9::timestamptz > clock.at THEN $9 ELSE clock.at + $10::bigint * interval '1 microsecond' END, clock.at,
		$12::bigint, $13::bigint, $11::integer, $5::smallint, $3::text, $4::text, $6::text, $7::bytea, $8::text::jsonb
	FROM clock
	RETURNING t.id, t.due, t.priority, t.queue, t.name
), waits AS (
	INSERT INTO firefly.ready (id, due, priority, queue, name) SELECT id, due, priority, queue, name FROM new
), counted AS (
	INSERT INTO firefly.tally (queue, created) VALUES ($4, 1)
)
SELECT at FROM clock
