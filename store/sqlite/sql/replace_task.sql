UPDATE firefly_task
SET priority = ?, encoding = ?, params = ?, meta = ?, due = ?, max_retries = ?, retry_delay = ?, timeout = ?
WHERE id = ?
