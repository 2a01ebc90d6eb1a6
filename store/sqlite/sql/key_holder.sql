-- Index firefly_task_key.
SELECT t.id, t.name, t.queue, t.priority, t.due, r.task IS NOT NULL
FROM firefly_task AS t LEFT JOIN firefly_running AS r ON r.task = t.id
WHERE t.unique_key = ?
