package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sqlSettings are what a hand-written loop of statements does on a table of five columns.
var sqlSettings = map[string][]setting{
	"insert-1":  {{name: "INSERT", producers: 1}},
	"insert-16": {{name: "INSERT", producers: 16}},
	"insert-bulk": {
		{name: "COPY 1 x 10,000", producers: 1, batch: 10_000},
		{name: "COPY 4 x 1,000", producers: 4, batch: 1000},
		{name: "COPY 4 x 10,000", producers: 4, batch: 10_000},
	},
	"drain": {{name: "UPDATE, UPDATE, 2 loops", workers: 2}, {name: "UPDATE, UPDATE, 4 loops", workers: 4}},
	"wal":   {{name: "COPY, UPDATE, UPDATE", workers: 2}},
}

// A sqlSystem takes and completes tasks a thousand at a time, and knows neither retries nor leases.
type sqlSystem struct {
	pool *pgxpool.Pool
	look *pgx.Conn
}

func (b *postgresBackend) openSQL(ctx context.Context) (system, error) {
	pool, err := b.pool(ctx)
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(ctx, `
CREATE TABLE task (
	id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) PRIMARY KEY,
	queue int NOT NULL, status smallint NOT NULL DEFAULT 0, due timestamptz NOT NULL DEFAULT now(), params bytea NOT NULL);
CREATE INDEX task_ready ON task (queue, due, id) WHERE status = 0`)
	return &sqlSystem{pool, b.db}, err
}

func (s *sqlSystem) insert(ctx context.Context, jobs []job, _ setting) error {
	if len(jobs) == 1 {
		_, err := s.pool.Exec(ctx, "INSERT INTO task (queue, params) VALUES (1, $1)", sample)
		return err
	}
	now := time.Now()
	_, err := s.pool.CopyFrom(ctx, pgx.Identifier{"task"}, []string{"queue", "due", "params"},
		pgx.CopyFromSlice(len(jobs), func(int) ([]any, error) { return []any{int32(1), now, sample}, nil }))
	return err
}

func (s *sqlSystem) fill(context.Context, content, int) error { return errors.ErrUnsupported }

func (s *sqlSystem) work(ctx context.Context, how setting, _ load, handle func(params)) (func() error, error) {
	return rounds(ctx, how.workers, func(ctx context.Context, _ int) error { return s.round(ctx, handle) }), nil
}

// round takes up to a thousand tasks and completes them.
func (s *sqlSystem) round(ctx context.Context, handle func(params)) error {
	rows, err := s.pool.Query(ctx, `UPDATE task SET status = 1, due = now() + interval '30 seconds' WHERE id IN (
		SELECT id FROM task WHERE queue = 1 AND status = 0 AND due <= now() ORDER BY due, id LIMIT 1000 FOR UPDATE SKIP LOCKED)
		RETURNING id, params`)
	if err != nil {
		return err
	}
	var ids []int64
	var id int64
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		ids = append(ids, id)
		handle(params{})
		return nil
	})
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		time.Sleep(time.Millisecond)
		return nil
	}
	_, err = s.pool.Exec(ctx, "UPDATE task SET status = 2 WHERE id = ANY ($1) AND status = 1", ids)
	return err
}

func (s *sqlSystem) settled(ctx context.Context, n int) (is bool, err error) {
	err = s.look.QueryRow(ctx, "SELECT count(*) >= $1 FROM task WHERE status = 2", n).Scan(&is)
	return is, err
}

func (s *sqlSystem) close() error { s.pool.Close(); return nil }
