INSERT INTO firefly_task
SELECT
	id, name, queue, priority, encoding, params, meta, created, ?, max_retries, retry_delay, timeout,
	0, 0, errors, unique_key
FROM firefly_finished WHERE id = ?
