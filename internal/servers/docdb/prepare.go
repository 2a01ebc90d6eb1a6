package docdb

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Settings returns the lines that a PostgreSQL needs in its postgresql.conf.
func Settings() []string {
	return []string{
		"max_connections = 300",
		"shared_preload_libraries = 'pg_cron, pg_documentdb_core, pg_documentdb, pg_documentdb_extended_rum'",
		"cron.database_name = 'postgres'",
		"cron.launch_active_jobs = off",                // they would build indexes, which the gateway does at once
		"documentdb.useFileBasedPersistedCursors = on", // so that a cursor pins no connection
		"deadlock_timeout = 10ms",                      // commands that run beside each other may deadlock, and are tried again
	}
}

// schema has what the gateway stores: the last write, or transaction, of each session. It is
// stored in the same transaction as what it tells of.
const schema = `
CREATE EXTENSION IF NOT EXISTS documentdb CASCADE;
CREATE SCHEMA IF NOT EXISTS gateway;
CREATE TABLE IF NOT EXISTS gateway.sessions (
	id     bytea PRIMARY KEY,
	number bigint NOT NULL,
	reply  bytea -- to a write; null for a transaction, which was committed
) WITH (fillfactor = 20)`

// Prepare makes what a gateway needs in a PostgreSQL, of which it gets a superuser's URL.
func Prepare(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, schema)
	return errors.Join(err, conn.Close(ctx))
}
