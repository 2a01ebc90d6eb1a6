-- The primary keys of both tables.
SELECT t.queue, t.priority, t.name, t.due, t.errors, r.cancel
FROM firefly_running AS r JOIN firefly_task AS t ON t.id = r.task
WHERE r.task = ? AND r.lease = ?
