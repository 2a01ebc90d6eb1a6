-- Index firefly_running_lease.
SELECT * FROM firefly_all WHERE id IN (SELECT task FROM firefly_running WHERE lease = ?)
