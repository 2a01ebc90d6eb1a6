-- The two primary keys.
SELECT created, due FROM firefly_task WHERE id = ?1
UNION ALL
SELECT created, due FROM firefly_finished WHERE id = ?1
