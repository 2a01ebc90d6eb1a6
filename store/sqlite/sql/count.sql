INSERT INTO firefly_queue (name, created, running, completed, failed, cancelled) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (name) DO UPDATE SET
	created = created + ?2, running = running + ?3,
	completed = completed + ?4, failed = failed + ?5, cancelled = cancelled + ?6
