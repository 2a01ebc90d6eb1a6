-- Stores tasks of which some have unique keys, or may be stored already: "again" says so, and then
-- all are looked up. (For others there is insert_plain.sql.) Every item has its id. It is due at
-- its eta, or delay microseconds from now.
--
-- It returns the time of the call as item 0, and each item that was not simply stored: outcome 0
-- is a repeat of a task that is stored or was, 1 an id that holds the unique key, 2 one that was
-- replaced.
--
-- All functions of one version pin their plans: index scans only, whatever the statistics say. A
-- table that was empty when it was last vacuumed would be planned as empty for hours.
CREATE FUNCTION firefly.insert_1(
	skew bigint, again boolean, ids bigint[], names text[], queues text[], priorities smallint[], encodings text[],
	params bytea[], metas text[], etas timestamptz[], delays bigint[],
	max_retries integer[], retry_delays bigint[], timeouts bigint[], keys text[], replaces boolean[]
) RETURNS TABLE (item integer, id bigint, outcome integer, created timestamptz, due timestamptz) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	at     timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	stored bigint[];
	over   bigint[];
	i      integer;
BEGIN
	IF current_setting('synchronous_commit') = 'off' THEN
		PERFORM set_config('synchronous_commit', 'on', true); -- acknowledged is on the disk
	END IF;
	RETURN QUERY SELECT 0, 0::bigint, 0, at, at;
	WITH new AS ( -- in the order of keys, so that two calls do not wait for each other
		INSERT INTO firefly.task AS t
			(id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params, meta, unique_key)
		SELECT x.id, CASE WHEN x.eta > at THEN x.eta ELSE at + x.delay * interval '1 microsecond' END, at, x.retry_delay, x.timeout,
			x.max_retries, x.priority, x.name, x.queue, x.encoding, x.params, x.meta::jsonb, x.key
		FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
			AS x (id, name, queue, priority, encoding, params, meta, eta, delay, max_retries, retry_delay, timeout, key)
		ORDER BY x.key
		ON CONFLICT DO NOTHING RETURNING t.id
	)
	SELECT coalesce(array_agg(new.id), '{}') INTO stored FROM new;
	IF again THEN -- looked up after the insertion: a task that ended before it can be seen now
		over := ARRAY(
			SELECT c.id FROM firefly.completed AS c WHERE c.id = ANY (stored)
			UNION ALL SELECT f.id FROM firefly.failed AS f WHERE f.id = ANY (stored));
		IF over <> '{}' THEN
			DELETE FROM firefly.task AS t WHERE t.id = ANY (over);
			stored := ARRAY(SELECT unnest(stored) EXCEPT SELECT unnest(over));
		END IF;
		PERFORM firefly.strike_1(x.id) FROM unnest(stored) AS x (id);
	END IF;
	WITH new AS (SELECT t.* FROM firefly.task AS t WHERE t.id = ANY (stored)),
	counted AS (INSERT INTO firefly.tally (queue, created) SELECT queue, count(*) FROM new GROUP BY queue)
	INSERT INTO firefly.ready (id, due, priority, queue, name) SELECT id, due, priority, queue, name FROM new;
	FOR i IN SELECT x.i FROM unnest(ids) WITH ORDINALITY AS x (id, i) WHERE x.id <> ALL (stored) LOOP
		item := i;
		SELECT s.id, s.outcome, s.created, s.due INTO id, outcome, created, due
		FROM firefly.stand_in_1(at, ids[i], names[i], queues[i], priorities[i], encodings[i], params[i], metas[i]::jsonb,
			CASE WHEN etas[i] > at THEN etas[i] ELSE at + delays[i] * interval '1 microsecond' END,
			max_retries[i], retry_delays[i], timeouts[i], keys[i], replaces[i]) AS s;
		RETURN NEXT;
	END LOOP;
END $$;

-- Says what stands for a task that could not be inserted: itself, stored before; or the holder of
-- its key, which it may replace. If the holder has gone meanwhile, it is inserted after all.
CREATE FUNCTION firefly.stand_in_1(
	at timestamptz, new_id bigint, new_name text, new_queue text, new_priority smallint, new_encoding text, new_params bytea,
	new_meta jsonb, new_due timestamptz, new_max_retries integer, new_retry_delay bigint, new_timeout bigint, key text, replaces boolean,
	OUT id bigint, OUT outcome integer, OUT created timestamptz, OUT due timestamptz
) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	holder firefly.task;
BEGIN
	LOOP
		id := new_id;
		outcome := 0;
		SELECT t.created, t.due INTO created, due FROM (
			SELECT t.created, t.due FROM firefly.task AS t WHERE t.id = new_id
			UNION ALL SELECT c.created, c.due FROM firefly.completed AS c WHERE c.id = new_id
			UNION ALL SELECT f.created, f.due FROM firefly.failed AS f WHERE f.id = new_id) AS t;
		EXIT WHEN FOUND;
		SELECT t.* INTO holder FROM firefly.task AS t WHERE t.unique_key = key;
		IF NOT FOUND THEN
			INSERT INTO firefly.task
				(id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params, meta, unique_key)
			VALUES (new_id, new_due, at, new_retry_delay, new_timeout, new_max_retries, new_priority, new_name, new_queue,
				new_encoding, new_params, new_meta, key)
			ON CONFLICT DO NOTHING;
			CONTINUE WHEN NOT FOUND;
			PERFORM firefly.strike_1(new_id);
			INSERT INTO firefly.ready (id, due, priority, queue, name) VALUES (new_id, new_due, new_priority, new_queue, new_name);
			INSERT INTO firefly.tally (queue, created) VALUES (new_queue, 1);
			created := at;
			due := new_due;
			EXIT;
		END IF;
		id := holder.id;
		outcome := 1;
		created := NULL;
		due := NULL;
		EXIT WHEN NOT replaces OR holder.name <> new_name OR holder.queue <> new_queue;
		DELETE FROM firefly.ready AS r
		WHERE r.queue = holder.queue AND r.priority = holder.priority AND r.due = holder.due AND r.id = holder.id;
		IF FOUND THEN
			UPDATE firefly.task AS t SET
				priority = new_priority, encoding = new_encoding, params = new_params, meta = new_meta, due = new_due,
				max_retries = new_max_retries, retry_delay = new_retry_delay, timeout = new_timeout
			WHERE t.id = holder.id;
			INSERT INTO firefly.ready (id, due, priority, queue, name)
			VALUES (holder.id, new_due, new_priority, holder.queue, holder.name);
			outcome := 2;
			EXIT;
		END IF;
		-- It runs, or has been given back, replaced or ended since it was read.
		EXIT WHEN EXISTS (SELECT FROM firefly.task AS t WHERE t.id = holder.id AND t.due = holder.due AND t.priority = holder.priority);
	END LOOP;
END $$;
