-- Index firefly_lease_ends.
SELECT id, ends FROM firefly_lease WHERE open = 1 AND ends <= ? ORDER BY ends LIMIT ?
