-- Leases due tasks. The arrays queues, priorities and floors name the lanes, in the order to claim
-- from them; a floor says that nothing below it is worth a look, since it was claimed before. With
-- a floor (or null for none) the index's dead entries are stepped over; if fewer tasks come back
-- than were asked for, all is looked at after all.
--
-- done_with are leases that have settled all their tasks, as far as the caller knows.
--
-- Index ready_lane, one range for each lane, read in order and no further than it takes. Rows that
-- another claim is about to take are skipped.
CREATE FUNCTION firefly.claim_1(
	skew bigint, queues text[], priorities smallint[], floors timestamptz[], names text[], most integer,
	claim_id uuid, lasts bigint, claimant text, done_with uuid[]
) RETURNS TABLE (
	id bigint, name text, queue text, priority smallint, encoding text, params bytea, meta jsonb, created timestamptz, due timestamptz,
	max_retries integer, retry_delay bigint, timeout bigint, retries integer, crashes integer, errors jsonb, unique_key text,
	lease_ends timestamptz, cancel_requested boolean
) LANGUAGE plpgsql ROWS 1000
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	at       timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	until    timestamptz := at + lasts * interval '1 microsecond';
	repeated boolean;
	ended    boolean;
	stopped  text[];
	taken    bigint[] := '{}';
	more     bigint[];
BEGIN
	-- A claim that is lost in a crash leaves its tasks due; nobody can settle them under its lease.
	PERFORM set_config('synchronous_commit', 'off', true);
	IF done_with <> '{}' THEN
		PERFORM firefly.forget_1(at, done_with);
	END IF;
	SELECT
		EXISTS (SELECT FROM firefly.lease AS l WHERE l.lease_id = claim_id)
			OR EXISTS (SELECT FROM firefly.spent AS s WHERE s.lease_id = claim_id),
		EXISTS (SELECT FROM firefly.lease AS l WHERE l.ends <= at),
		ARRAY(SELECT p.queue FROM firefly.pause AS p)
	INTO repeated, ended, stopped;
	IF repeated THEN
		RETURN QUERY SELECT * FROM firefly.held_1(claim_id);
		RETURN;
	END IF;
	IF ended THEN
		PERFORM firefly.take_back_1(at);
		floors := NULL; -- what was taken back is due since before
	END IF;
	LOOP
		WITH pick AS MATERIALIZED (
			SELECT first.place
			FROM unnest(queues, priorities, floors) AS lane (queue, priority, floor)
			CROSS JOIN LATERAL (
				SELECT r.ctid AS place FROM firefly.ready AS r
				WHERE r.queue = lane.queue AND r.priority = lane.priority
					AND r.due >= coalesce(lane.floor, '-infinity') AND r.due <= at AND r.name = ANY (names)
				ORDER BY r.due, r.id LIMIT most FOR UPDATE SKIP LOCKED
			) AS first
			WHERE lane.queue <> ALL (stopped)
			LIMIT most - cardinality(taken)
		), gone AS (
			DELETE FROM firefly.ready AS r WHERE r.ctid = ANY (ARRAY(SELECT pick.place FROM pick)) RETURNING r.id, r.queue
		), counted AS (
			INSERT INTO firefly.tally (queue, created, running) SELECT queue, -count(*), count(*) FROM gone GROUP BY queue
		)
		SELECT array_agg(gone.id) INTO more FROM gone;
		taken := taken || more;
		EXIT WHEN cardinality(taken) = most OR floors IS NULL;
		floors := NULL;
	END LOOP;
	IF taken = '{}' THEN
		RETURN;
	END IF;
	INSERT INTO firefly.lease (lease_id, ends, worker, lowest, highest, ids)
	SELECT claim_id, until, claimant, min(x.id), max(x.id), array_agg(x.id ORDER BY x.id) FROM unnest(taken) AS x (id);
	RETURN QUERY
	SELECT t.id, t.name, t.queue, t.priority, t.encoding, t.params, t.meta, t.created, t.due, t.max_retries, t.retry_delay,
		t.timeout, t.retries, t.crashes, t.errors, t.unique_key, until, false
	FROM firefly.task AS t WHERE t.id = ANY (taken);
END $$;

-- Returns the tasks that a lease still holds, as its claim did. It is one statement: between two, others
-- might take the tasks back, and lease them.
CREATE FUNCTION firefly.held_1(claim_id uuid) RETURNS TABLE (
	id bigint, name text, queue text, priority smallint, encoding text, params bytea, meta jsonb, created timestamptz, due timestamptz,
	max_retries integer, retry_delay bigint, timeout bigint, retries integer, crashes integer, errors jsonb, unique_key text,
	lease_ends timestamptz, cancel_requested boolean
) LANGUAGE plpgsql ROWS 1000
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT t.id, t.name, t.queue, t.priority, t.encoding, t.params, t.meta, t.created, t.due, t.max_retries, t.retry_delay,
		t.timeout, t.retries, t.crashes, t.errors, t.unique_key, l.ends,
		EXISTS (SELECT FROM firefly.cancel AS c WHERE c.id = t.id)
	FROM firefly.lease AS l JOIN firefly.task AS t ON t.id = ANY (l.ids)
	WHERE l.lease_id = claim_id;
END $$;

-- Closes those of the leases that indeed hold nothing any more.
CREATE FUNCTION firefly.forget_1(at timestamptz, leases uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	WITH idle AS MATERIALIZED (
		SELECT l.lease_id FROM firefly.lease AS l
		WHERE l.lease_id = ANY (leases) AND NOT CASE
			WHEN l.highest - l.lowest < 4 * cardinality(l.ids) THEN EXISTS ( -- one look at the range, not one at each id
				SELECT FROM firefly.task AS t WHERE t.id BETWEEN l.lowest AND l.highest AND l.ids @> ARRAY[t.id])
			ELSE EXISTS ( -- tasks of other queues, or priorities, lie between
				SELECT FROM firefly.task AS t WHERE t.id = ANY (l.ids))
		END
		FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM firefly.lease AS l WHERE l.lease_id = ANY (ARRAY(SELECT idle.lease_id FROM idle)) RETURNING l.lease_id
	)
	INSERT INTO firefly.spent (lease_id, since) SELECT gone.lease_id, at FROM gone;
END $$;
