-- Settling. All functions here lock the lease first and the task second. To end a task takes a
-- share of the lease, so that tasks of one lease end side by side, also in handlers' open
-- transactions; to give tasks back, to take them back and to cancel them takes it whole, and so
-- waits for those. Extending a lease is at odds with neither of the former.
--
-- Positional arrays go with tasks, which ascends and has no id twice, so width_bucket finds a
-- position by binary search: without a join there is no join's plan to go wrong.

-- Lets a transaction that goes on after this call hold leases for a few idle seconds only: a process
-- that was stopped, or a machine that has vanished, must not keep their tasks from being taken back.
-- What is acknowledged is on the disk.
CREATE FUNCTION firefly.settling_1(goes_on boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF goes_on THEN
		PERFORM set_config('idle_in_transaction_session_timeout', '5s', true);
	END IF;
	IF current_setting('synchronous_commit') = 'off' THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
END $$;

-- Returns those of the tasks that the leases list, and shares the leases until the transaction
-- ends. A listed task may have ended.
CREATE FUNCTION firefly.share_1(tasks bigint[], leases uuid[]) RETURNS bigint[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	RETURN ARRAY(
		WITH l AS MATERIALIZED (
			SELECT l.lease_id, l.ids FROM firefly.lease AS l WHERE l.lease_id = ANY (leases) ORDER BY l.lease_id FOR KEY SHARE)
		SELECT x.id FROM (SELECT l.lease_id, unnest(l.ids) AS id FROM l INTERSECT SELECT * FROM unnest(leases, tasks)) AS x
		ORDER BY x.id);
END $$;

-- As share_1, but has the leases to itself.
CREATE FUNCTION firefly.seize_1(tasks bigint[], leases uuid[]) RETURNS bigint[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	RETURN ARRAY(
		WITH l AS MATERIALIZED (
			SELECT l.lease_id, l.ids FROM firefly.lease AS l WHERE l.lease_id = ANY (leases) ORDER BY l.lease_id FOR UPDATE)
		SELECT x.id FROM (SELECT l.lease_id, unnest(l.ids) AS id FROM l INTERSECT SELECT * FROM unnest(leases, tasks)) AS x
		ORDER BY x.id);
END $$;

-- Completes tasks and returns those that it refused. A result is a piece of results: its start,
-- from 1, and its length, null for none. With repeats, a task that the same lease has completed
-- before is no refusal.
CREATE FUNCTION firefly.complete_1(
	skew bigint, repeats boolean, tasks bigint[], leases uuid[], results bytea, starts integer[], lengths integer[]
) RETURNS SETOF bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	at    timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	held  bigint[] := firefly.share_1(tasks, leases);
	ended bigint[];
BEGIN
	PERFORM firefly.settling_1(NOT repeats);
	WITH gone AS (
		DELETE FROM firefly.task AS t WHERE t.id = ANY (held) RETURNING t.*
	), done AS (
		INSERT INTO firefly.completed (
			id, due, created, retry_delay, timeout, max_retries, retries, crashes, priority, name, queue, encoding, params, meta,
			errors, unique_key, finished, lease_id, returned)
		SELECT g.id, g.due, g.created, g.retry_delay, g.timeout, g.max_retries, g.retries, g.crashes, g.priority, g.name, g.queue,
			g.encoding, g.params, g.meta, g.errors, g.unique_key, at, leases[width_bucket(g.id, tasks)],
			substr(results, starts[width_bucket(g.id, tasks)], lengths[width_bucket(g.id, tasks)])
		FROM gone AS g
	), counted AS (
		INSERT INTO firefly.tally (queue, running, completed) SELECT queue, -count(*), count(*) FROM gone GROUP BY queue
	)
	SELECT coalesce(array_agg(gone.id), '{}') INTO ended FROM gone;
	IF EXISTS (SELECT FROM firefly.cancel) THEN
		DELETE FROM firefly.cancel AS c WHERE c.id = ANY (ended);
	END IF;
	IF cardinality(ended) < cardinality(tasks) THEN
		RETURN QUERY
		SELECT x.id FROM unnest(tasks, leases) AS x (id, lease_id)
		WHERE x.id <> ALL (ended) AND NOT (repeats AND EXISTS (
			SELECT FROM firefly.completed AS c WHERE c.id = x.id AND c.lease_id = x.lease_id));
	END IF;
END $$;

-- Appends an error, if any, to a history, of which the last ten are kept.
CREATE FUNCTION firefly.with_error_1(history jsonb, at timestamptz, attempt integer, error text) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT CASE
		WHEN error IS NULL THEN history
		WHEN jsonb_array_length(history) >= 10 THEN (history - 0) || jsonb_build_object('attempt', attempt, 'at', at, 'error', error)
		ELSE coalesce(history, '[]') || jsonb_build_object('attempt', attempt, 'at', at, 'error', error)
	END
$$;

-- Moves live tasks that wait for nobody to the failed ones, and returns those that were there.
-- Their lease or ready row is the caller's business. before says what they were: created or
-- running.
CREATE FUNCTION firefly.end_1(
	at timestamptz, before text, tasks bigint[], cancelled boolean[], leases uuid[], crashed integer, attempts integer[], texts text[]
) RETURNS bigint[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	ended bigint[];
	was   integer := CASE before WHEN 'created' THEN 1 ELSE 0 END;
BEGIN
	WITH gone AS (
		DELETE FROM firefly.task AS t WHERE t.id = ANY (tasks) RETURNING t.*
	), done AS (
		INSERT INTO firefly.failed (
			id, due, created, retry_delay, timeout, max_retries, retries, crashes, priority, name, queue, encoding, params, meta,
			errors, unique_key, finished, lease_id, cancelled)
		SELECT g.id, g.due, g.created, g.retry_delay, g.timeout, g.max_retries, g.retries, g.crashes + crashed, g.priority, g.name,
			g.queue, g.encoding, g.params, g.meta,
			firefly.with_error_1(g.errors, at, attempts[width_bucket(g.id, tasks)], texts[width_bucket(g.id, tasks)]),
			g.unique_key, at, leases[width_bucket(g.id, tasks)], cancelled[width_bucket(g.id, tasks)]
		FROM gone AS g
		RETURNING queue, failed.cancelled
	), counted AS (
		INSERT INTO firefly.tally (queue, created, running, failed, cancelled)
		SELECT queue, -was * count(*), (was - 1) * count(*), count(*) FILTER (WHERE NOT done.cancelled),
			count(*) FILTER (WHERE done.cancelled)
		FROM done GROUP BY queue
	)
	SELECT coalesce(array_agg(gone.id), '{}') INTO ended FROM gone;
	IF EXISTS (SELECT FROM firefly.cancel) THEN
		DELETE FROM firefly.cancel AS c WHERE c.id = ANY (ended);
	END IF;
	RETURN ended;
END $$;

-- Fails tasks, or cancels them, and returns those that it refused. With repeats, a task that the
-- same lease has failed before is no refusal.
CREATE FUNCTION firefly.fail_1(
	skew bigint, repeats boolean, tasks bigint[], leases uuid[], cancelled boolean[], attempts integer[], texts text[]
) RETURNS SETOF bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	at    timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	held  bigint[] := firefly.share_1(tasks, leases);
	ended bigint[];
BEGIN
	PERFORM firefly.settling_1(NOT repeats);
	SELECT firefly.end_1(at, 'running', array_agg(x.id ORDER BY x.id),
		array_agg(x.cancelled OR EXISTS (SELECT FROM firefly.cancel AS c WHERE c.id = x.id) ORDER BY x.id),
		array_agg(x.lease_id ORDER BY x.id), 0, array_agg(x.attempt ORDER BY x.id), array_agg(x.error ORDER BY x.id))
	INTO ended
	FROM unnest(tasks, leases, cancelled, attempts, texts) AS x (id, lease_id, cancelled, attempt, error)
	WHERE x.id = ANY (held);
	RETURN QUERY
	SELECT x.id FROM unnest(tasks, leases) AS x (id, lease_id)
	WHERE x.id <> ALL (coalesce(ended, '{}')) AND NOT (repeats AND EXISTS (
		SELECT FROM firefly.failed AS f WHERE f.id = x.id AND f.lease_id = x.lease_id));
END $$;

-- Gives tasks back. A kind is 0 for a retry, 1 for a snooze, 2 for a release; after is in
-- microseconds. A task that is to be cancelled ends so. It returns the ids that it refused, and in
-- rows without an id the queues in which a task is due now.
CREATE FUNCTION firefly.reschedule_1(
	skew bigint, goes_on boolean, tasks bigint[], leases uuid[], kinds smallint[], afters bigint[], attempts integer[], texts text[]
) RETURNS TABLE (refused bigint, queue text) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	at      timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	held    bigint[] := firefly.seize_1(tasks, leases);
	flagged bigint[] := ARRAY(SELECT c.id FROM firefly.cancel AS c WHERE c.id = ANY (held) ORDER BY c.id);
	ended   bigint[] := '{}';
	again   bigint[];
	open    text[];
BEGIN
	PERFORM firefly.settling_1(goes_on);
	IF flagged <> '{}' THEN
		SELECT firefly.end_1(at, 'running', array_agg(x.id ORDER BY x.id), array_agg(true), array_agg(x.lease_id ORDER BY x.id), 0,
			array_agg(x.attempt ORDER BY x.id), array_agg(x.error ORDER BY x.id))
		INTO ended
		FROM unnest(tasks, leases, attempts, texts) AS x (id, lease_id, attempt, error) WHERE x.id = ANY (flagged);
	END IF;
	WITH given AS (
		UPDATE firefly.task AS t SET
			due = CASE kinds[width_bucket(t.id, tasks)]
				WHEN 2 THEN t.due ELSE at + afters[width_bucket(t.id, tasks)] * interval '1 microsecond' END,
			retries = t.retries + CASE kinds[width_bucket(t.id, tasks)] WHEN 0 THEN 1 ELSE 0 END,
			errors = firefly.with_error_1(t.errors, at, attempts[width_bucket(t.id, tasks)], texts[width_bucket(t.id, tasks)])
		WHERE t.id = ANY (held)
		RETURNING t.id, t.due, t.priority, t.queue, t.name
	), waits AS (
		INSERT INTO firefly.ready (id, due, priority, queue, name) SELECT id, due, priority, queue, name FROM given
	), counted AS (
		INSERT INTO firefly.tally (queue, created, running) SELECT queue, count(*), -count(*) FROM given GROUP BY queue
	)
	SELECT coalesce(array_agg(given.id), '{}'), array_agg(DISTINCT given.queue) FILTER (WHERE given.due <= at)
	INTO again, open FROM given;
	UPDATE firefly.lease AS l SET ids = ARRAY(SELECT unnest(l.ids) EXCEPT SELECT unnest(held) ORDER BY 1)
	WHERE l.lease_id = ANY (leases);
	RETURN QUERY
	SELECT x.id, NULL::text FROM unnest(tasks) AS x (id) WHERE x.id <> ALL (ended || again)
	UNION ALL SELECT NULL::bigint, x.queue FROM unnest(open) AS x (queue);
END $$;

-- Takes back the tasks of ended leases: due since then, with one crash more. Leases that an open
-- transaction is about to settle a task of are left for later. Index lease_ends.
CREATE FUNCTION firefly.take_back_1(at timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	l       firefly.lease;
	flagged bigint[];
BEGIN
	FOR l IN SELECT * FROM firefly.lease WHERE ends <= at ORDER BY ends LIMIT 10 FOR UPDATE SKIP LOCKED LOOP
		flagged := ARRAY(SELECT c.id FROM firefly.cancel AS c WHERE c.id = ANY (l.ids) ORDER BY c.id);
		IF flagged <> '{}' THEN
			PERFORM firefly.end_1(at, 'running', flagged, array_fill(true, ARRAY[cardinality(flagged)]),
				array_fill(NULL::uuid, ARRAY[cardinality(flagged)]), 1, '{}', '{}');
		END IF;
		WITH given AS (
			UPDATE firefly.task AS t SET crashes = t.crashes + 1, due = l.ends WHERE t.id = ANY (l.ids)
			RETURNING t.id, t.due, t.priority, t.queue, t.name
		), waits AS (
			INSERT INTO firefly.ready (id, due, priority, queue, name) SELECT id, due, priority, queue, name FROM given
		)
		INSERT INTO firefly.tally (queue, created, running) SELECT queue, count(*), -count(*) FROM given GROUP BY queue;
		DELETE FROM firefly.lease WHERE lease_id = l.lease_id;
		INSERT INTO firefly.spent (lease_id, since) VALUES (l.lease_id, at);
	END LOOP;
END $$;

-- Lets leases end no sooner than lasts microseconds from now, and returns those that hold a task,
-- each with its tasks that are to be cancelled.
CREATE FUNCTION firefly.extend_1(skew bigint, lasts bigint, leases uuid[]) RETURNS TABLE (lease_id uuid, cancelled bigint[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	until timestamptz := clock_timestamp() + (skew + lasts) * interval '1 microsecond';
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true); -- lost in a crash, it ends sooner: no harm
	RETURN QUERY
	WITH alive AS MATERIALIZED (
		SELECT l.lease_id FROM firefly.lease AS l
		WHERE l.lease_id = ANY (leases) AND EXISTS (SELECT FROM firefly.task AS t WHERE t.id = ANY (l.ids))
		ORDER BY l.lease_id FOR NO KEY UPDATE
	)
	UPDATE firefly.lease AS l SET ends = greatest(l.ends, until)
	WHERE l.lease_id = ANY (ARRAY(SELECT alive.lease_id FROM alive))
	RETURNING l.lease_id, ARRAY(SELECT c.id FROM firefly.cancel AS c WHERE c.lease_id = l.lease_id ORDER BY c.id);
END $$;
