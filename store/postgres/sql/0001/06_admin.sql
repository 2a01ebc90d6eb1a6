-- Administration, task by task: it decides and acts on each in one step. Each function returns the
-- tasks that it changed, and those that it refuses with the reason.

-- Deletes the row that lets a task wait, and returns whether there was one.
CREATE FUNCTION firefly.unready_1(t firefly.task) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	DELETE FROM firefly.ready AS r WHERE r.queue = t.queue AND r.priority = t.priority AND r.due = t.due AND r.id = t.id;
	RETURN FOUND;
END $$;

-- Takes the lease that lists a task for itself, and returns its id; null if none does.
CREATE FUNCTION firefly.lease_of_1(task_id bigint) RETURNS uuid LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off AS $$
DECLARE
	found uuid;
BEGIN
	SELECT l.lease_id INTO found FROM firefly.lease AS l
	WHERE l.lowest <= task_id AND l.highest >= task_id AND l.ids @> ARRAY[task_id] FOR UPDATE;
	RETURN found;
END $$;

-- Strikes a task that lives again from the lease that ended it, which may list it still.
CREATE FUNCTION firefly.strike_1(task_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	holder uuid := firefly.lease_of_1(task_id);
BEGIN
	IF holder IS NOT NULL THEN
		UPDATE firefly.lease AS l SET ids = array_remove(l.ids, task_id) WHERE l.lease_id = holder;
	END IF;
END $$;

CREATE FUNCTION firefly.cancel_1(skew bigint, tasks bigint[]) RETURNS TABLE (id bigint, queue text, running boolean) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	at     timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	t      firefly.task;
	holder uuid;
BEGIN
	PERFORM firefly.settling_1(false);
	FOREACH id IN ARRAY tasks LOOP
		running := NULL;
		FOR look IN 1..100 LOOP -- it may be on the move
			SELECT x.* INTO t FROM firefly.task AS x WHERE x.id = cancel_1.id;
			EXIT WHEN NOT FOUND;
			IF firefly.unready_1(t) THEN
				PERFORM firefly.end_1(at, 'created', ARRAY[t.id], ARRAY[true], ARRAY[NULL::uuid], 0, '{}', '{}');
				running := false;
				EXIT;
			ELSE
				holder := firefly.lease_of_1(t.id);
				IF holder IS NOT NULL THEN
					EXIT WHEN NOT EXISTS (SELECT FROM firefly.task AS x WHERE x.id = t.id); -- ended before
					INSERT INTO firefly.cancel (id, lease_id) VALUES (t.id, holder) ON CONFLICT DO NOTHING;
					EXIT WHEN NOT FOUND; -- asked for before
					running := true;
					EXIT;
				END IF;
			END IF;
		END LOOP;
		IF running IS NOT NULL THEN
			queue := t.queue;
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;

CREATE FUNCTION firefly.retry_1(skew bigint, tasks bigint[]) RETURNS TABLE (id bigint, queue text, duplicate boolean) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	at timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	f  firefly.failed;
BEGIN
	PERFORM firefly.settling_1(false);
	FOREACH id IN ARRAY tasks LOOP
		SELECT x.* INTO f FROM firefly.failed AS x WHERE x.id = retry_1.id FOR UPDATE;
		CONTINUE WHEN NOT FOUND;
		queue := f.queue;
		INSERT INTO firefly.task (id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params, meta,
			errors, unique_key)
		VALUES (f.id, at, f.created, f.retry_delay, f.timeout, f.max_retries, f.priority, f.name, f.queue, f.encoding, f.params, f.meta,
			f.errors, f.unique_key)
		ON CONFLICT DO NOTHING;
		duplicate := NOT FOUND;
		IF NOT duplicate THEN
			DELETE FROM firefly.failed AS x WHERE x.id = f.id;
			INSERT INTO firefly.ready (id, due, priority, queue, name) VALUES (f.id, at, f.priority, f.queue, f.name);
			INSERT INTO firefly.tally (queue, created, failed, cancelled)
			VALUES (f.queue, 1, CASE WHEN f.cancelled THEN 0 ELSE -1 END, CASE WHEN f.cancelled THEN -1 ELSE 0 END);
			PERFORM firefly.strike_1(f.id);
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;

-- Makes tasks that wait due at eta, or delay microseconds from now. The row that lets a task wait is
-- updated, not replaced: whoever waits for it then finds it where it looked, if its time is the same.
CREATE FUNCTION firefly.set_due_1(skew bigint, tasks bigint[], eta timestamptz, delay bigint)
RETURNS TABLE (id bigint, queue text, due_now boolean) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	at   timestamptz := clock_timestamp() + skew * interval '1 microsecond';
	till timestamptz := CASE WHEN eta > at THEN eta ELSE at + delay * interval '1 microsecond' END;
	t    firefly.task;
BEGIN
	PERFORM firefly.settling_1(false);
	due_now := till <= at;
	FOREACH id IN ARRAY tasks LOOP
		FOR look IN 1..100 LOOP
			SELECT x.* INTO t FROM firefly.task AS x WHERE x.id = set_due_1.id;
			EXIT WHEN NOT FOUND;
			UPDATE firefly.ready AS r SET due = till
			WHERE r.queue = t.queue AND r.priority = t.priority AND r.due = t.due AND r.id = t.id;
			IF FOUND THEN
				UPDATE firefly.task AS x SET due = till WHERE x.id = t.id;
				queue := t.queue;
				RETURN NEXT;
				EXIT;
			END IF;
			EXIT WHEN EXISTS (
				SELECT FROM firefly.lease AS l WHERE l.lowest <= t.id AND l.highest >= t.id AND l.ids @> ARRAY[t.id]);
		END LOOP;
	END LOOP;
END $$;

CREATE FUNCTION firefly.delete_1(tasks bigint[]) RETURNS TABLE (id bigint, queue text, running boolean) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
	t       firefly.task;
	stopped boolean;
BEGIN
	PERFORM firefly.settling_1(false);
	FOREACH id IN ARRAY tasks LOOP
		running := NULL;
		FOR look IN 1..100 LOOP
			SELECT x.* INTO t FROM firefly.task AS x WHERE x.id = delete_1.id;
			IF NOT FOUND THEN
				DELETE FROM firefly.completed AS c WHERE c.id = delete_1.id RETURNING c.queue INTO queue;
				IF FOUND THEN
					INSERT INTO firefly.tally (queue, completed) VALUES (queue, -1);
					running := false;
					EXIT;
				END IF;
				DELETE FROM firefly.failed AS f WHERE f.id = delete_1.id RETURNING f.queue, f.cancelled INTO queue, stopped;
				IF FOUND THEN
					INSERT INTO firefly.tally (queue, failed, cancelled)
					VALUES (queue, CASE WHEN stopped THEN 0 ELSE -1 END, CASE WHEN stopped THEN -1 ELSE 0 END);
					running := false;
					EXIT;
				END IF;
				-- If it was revived meanwhile, it is looked at anew.
				EXIT WHEN NOT EXISTS (SELECT FROM firefly.task AS x WHERE x.id = delete_1.id);
				CONTINUE;
			END IF;
			queue := t.queue;
			IF firefly.unready_1(t) THEN
				DELETE FROM firefly.task AS x WHERE x.id = t.id;
				INSERT INTO firefly.tally (queue, created) VALUES (t.queue, -1);
				running := false;
				EXIT;
			ELSIF firefly.lease_of_1(t.id) IS NOT NULL THEN
				EXIT WHEN NOT EXISTS (SELECT FROM firefly.task AS x WHERE x.id = t.id);
				running := true;
				EXIT;
			END IF;
		END LOOP;
		IF running IS NOT NULL THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
