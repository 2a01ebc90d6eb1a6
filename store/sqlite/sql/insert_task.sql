INSERT INTO firefly_task (
	id, name, queue, priority, encoding, params, meta, created, due,
	max_retries, retry_delay, timeout, retries, crashes, unique_key
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)
