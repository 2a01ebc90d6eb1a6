-- Makes the partitions of both trees for the day of a time and the fourteen after it, if they
-- are missing, and returns how many it made. A new one is attached to its tree, which needs no
-- lock that a reader or a settling call would wait for.
CREATE FUNCTION firefly.make_partitions_1(at timestamptz) RETURNS integer LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
	tree  text;
	day   date;
	part  text;
	made  integer := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('firefly.make_partitions', 0));
	FOREACH tree IN ARRAY ARRAY['completed', 'failed'] LOOP
		FOR ahead IN 0..14 LOOP
			day := (at AT TIME ZONE 'UTC')::date + ahead;
			part := tree || to_char(day, '_YYYYMMDD');
			CONTINUE WHEN to_regclass(format('firefly.%I', part)) IS NOT NULL;
			EXECUTE format('CREATE TABLE firefly.%I (LIKE firefly.%I INCLUDING DEFAULTS)', part, tree);
			EXECUTE format('ALTER TABLE firefly.%I ATTACH PARTITION firefly.%I FOR VALUES FROM (%L) TO (%L)',
				tree, part, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
			made := made + 1;
		END LOOP;
	END LOOP;
	RETURN made;
END $$;

-- Drops the oldest partition of a tree if all of it is older than a time, and returns its name
-- and how many tasks it held; nothing if there is none. It gives up rather than wait: whoever
-- waits for a tree's lock lets every settling call wait behind it.
CREATE FUNCTION firefly.drop_partition_1(tree text, before timestamptz, OUT part text, OUT tasks bigint) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
BEGIN
	SELECT c.relname INTO part
	FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
	WHERE i.inhparent = to_regclass(format('firefly.%I', tree))
	ORDER BY c.relname LIMIT 1;
	IF part IS NULL OR (to_date(right(part, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' > before THEN
		part := NULL;
		RETURN;
	END IF;
	EXECUTE format('LOCK TABLE firefly.%I IN SHARE ROW EXCLUSIVE MODE', part); -- nobody deletes from it meanwhile
	IF tree = 'completed' THEN
		EXECUTE format(
			'WITH gone AS (SELECT queue, count(*) AS n FROM firefly.%I GROUP BY queue),
			less AS (INSERT INTO firefly.tally (queue, completed) SELECT queue, -n FROM gone)
			SELECT coalesce(sum(n), 0) FROM gone', part) INTO tasks;
	ELSE
		EXECUTE format(
			'WITH gone AS (
				SELECT queue, count(*) FILTER (WHERE cancelled) AS c, count(*) FILTER (WHERE NOT cancelled) AS f
				FROM firefly.%I GROUP BY queue),
			less AS (INSERT INTO firefly.tally (queue, failed, cancelled) SELECT queue, -f, -c FROM gone)
			SELECT coalesce(sum(c + f), 0) FROM gone', part) INTO tasks;
	END IF;
	EXECUTE format('DROP TABLE firefly.%I', part);
END $$;

-- Adds up what has changed since the last time, and forgets leases that were spent ten minutes or
-- ten thousand claims ago. One at a time is enough.
CREATE FUNCTION firefly.fold_1(skew bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	old timestamptz := clock_timestamp() + skew * interval '1 microsecond' - interval '10 minutes';
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtextextended('firefly.fold', 0)) THEN
		RETURN;
	END IF;
	WITH gone AS (DELETE FROM firefly.tally RETURNING *)
	INSERT INTO firefly.total AS t
	SELECT queue, sum(created), sum(running), sum(completed), sum(failed), sum(cancelled) FROM gone GROUP BY queue
	ON CONFLICT (queue) DO UPDATE SET
		created = t.created + excluded.created, running = t.running + excluded.running,
		completed = t.completed + excluded.completed, failed = t.failed + excluded.failed,
		cancelled = t.cancelled + excluded.cancelled;
	DELETE FROM firefly.total WHERE created = 0 AND running = 0 AND completed = 0 AND failed = 0 AND cancelled = 0;
	DELETE FROM firefly.spent WHERE since < old
		OR since < (SELECT since FROM firefly.spent ORDER BY since DESC OFFSET 10000 LIMIT 1);
END $$;
