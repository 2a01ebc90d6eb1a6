package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// postgresBackend is a PostgreSQL server that keeps what was committed, with a new database for
// each measurement.
type postgresBackend struct {
	owner  *owner
	server *servers.Postgres
	admin  *pgx.Conn
	number int // of databases so far
	db     *pgx.Conn
}

func newPostgres(ctx context.Context) (backend, error) {
	o := &owner{}
	b := &postgresBackend{owner: o, server: servers.NewPostgreSQL(o,
		"shared_buffers = 512MB", "max_connections = 500", "max_wal_size = 8GB", "checkpoint_timeout = 1h")}
	var err error
	if b.admin, err = pgx.Connect(ctx, b.server.URL()); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *postgresBackend) contenders() []contender {
	return []contender{
		{name: "Firefly", settings: fireflySettings, open: b.openFirefly},
		{name: "River", settings: riverSettings, open: b.openRiver},
		{name: "bare SQL", settings: sqlSettings, open: b.openSQL},
	}
}

// name of the database that is measured.
func (b *postgresBackend) name() string { return fmt.Sprintf("bench_%d", b.number) }

func (b *postgresBackend) url() string {
	u, err := url.Parse(b.server.URL())
	if err != nil {
		panic(err)
	}
	u.Path = "/" + b.name()
	return u.String()
}

func (b *postgresBackend) about(ctx context.Context) (about, error) {
	var version string
	err := b.admin.QueryRow(ctx, "SHOW server_version").Scan(&version)
	return about{"PostgreSQL " + version, 1}, err
}

func (b *postgresBackend) reset(ctx context.Context) error {
	if b.db != nil {
		_ = b.db.Close(ctx)
		if _, err := b.admin.Exec(ctx, "DROP DATABASE "+b.name()+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	b.number++
	if _, err := b.admin.Exec(ctx, "CREATE DATABASE "+b.name()+" TEMPLATE template0"); err != nil {
		return err
	}
	var err error
	b.db, err = pgx.Connect(ctx, b.url())
	if err != nil {
		return err
	}
	_, err = b.db.Exec(ctx, "SET enable_seqscan = off") // for those who look whether they are done
	return err
}

func (b *postgresBackend) settle(ctx context.Context) error {
	for _, text := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := b.db.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (b *postgresBackend) used(ctx context.Context) (u usage, err error) {
	const text = "SELECT (pg_current_wal_lsn() - '0/0')::float8, pg_database_size($1)::float8"
	if err := b.admin.QueryRow(ctx, text, b.name()).Scan(&u.journal, &u.stored); err != nil {
		return u, err
	}
	pids, err := b.server.Processes()
	u.cpu = familyCPU(pids)
	return u, err
}

func (b *postgresBackend) close() { b.owner.end() }

// pool opens the application's pool.
func (b *postgresBackend) pool(ctx context.Context) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(b.url())
	if err != nil {
		return nil, err
	}
	c.MaxConns = 20
	return pgxpool.NewWithConfig(ctx, c)
}

// pooledStore is a store that closes its pool.
type pooledStore struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func (p pooledStore) Close() error {
	defer p.pool.Close()
	return p.Store.Close()
}

func (b *postgresBackend) openFirefly(ctx context.Context) (system, error) {
	s, err := b.store(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return newFirefly(s, fireflyOn{
		finish: func(ctx context.Context, n int) error {
			const text = `INSERT INTO firefly.completed
				(id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params, finished)
			SELECT g - $1 - 1, now(), now(), 0, 0, 0, 0, 'bench', 'default', 'json', $2, now() FROM generate_series(1, $1) AS g`
			_, err := s.pool.Exec(ctx, text, n, sample)
			return err
		},
		another: func() (store.Store, error) { return b.store(ctx) },
	})
}

// store opens a store as a process would.
func (b *postgresBackend) store(ctx context.Context) (pooledStore, error) {
	pool, err := b.pool(ctx)
	if err != nil {
		return pooledStore{}, err
	}
	s, err := postgres.New(pool, postgres.Logger(quiet))
	if err != nil {
		pool.Close()
	}
	return pooledStore{s, pool}, err
}
