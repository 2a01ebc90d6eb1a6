-- Index firefly_running_lease.
SELECT a.* FROM firefly_running AS r JOIN firefly_all AS a ON a.id = r.task WHERE r.lease = ?
