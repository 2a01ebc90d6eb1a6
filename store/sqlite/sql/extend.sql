UPDATE firefly_lease SET ends = max(ends, ?1)
WHERE id = ?2 AND open = 1 AND EXISTS (SELECT 1 FROM firefly_running WHERE lease = ?2)
