-- Index firefly_running_lease.
SELECT t.id, t.queue, t.priority, t.name, t.due, t.errors, r.cancel
FROM firefly_running AS r JOIN firefly_task AS t ON t.id = r.task
WHERE r.lease = ?
