INSERT INTO firefly_finished
SELECT
	id, name, queue, priority, encoding, params, meta, created, due, max_retries, retry_delay, timeout,
	retries, crashes + ?, ?, unique_key, ?, ?, ?, ?
FROM firefly_task WHERE id = ?
