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
	"drain":   {{name: "UPDATE, UPDATE, 2 loops", workers: 2}, {name: "UPDATE, UPDATE, 4 loops", workers: 4}},
	"wal":     {{name: "COPY, UPDATE, UPDATE", workers: 2}},
	"latency": {{name: "INSERT with NOTIFY, a loop that listens", told: true}},
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

func (s *sqlSystem) insert(ctx context.Context, jobs []job, how setting) error {
	if how.told {
		_, err := s.pool.Exec(ctx, `WITH new AS (INSERT INTO task (queue, params) VALUES (1, $1) RETURNING id)
			SELECT pg_notify('task', '') FROM new`, jobs[0].params.json())
		return err
	}
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
	if how.told {
		return s.listen(ctx, handle)
	}
	return rounds(ctx, how.workers, func(ctx context.Context, _ int) error {
		n, err := s.round(ctx, func([]byte) { handle(params{}) })
		if n == 0 {
			time.Sleep(time.Millisecond)
		}
		return err
	}), nil
}

// listen makes a round for each notification, and each second.
func (s *sqlSystem) listen(ctx context.Context, handle func(params)) (func() error, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN task"); err != nil {
		conn.Release()
		return nil, err
	}
	stop := rounds(ctx, 1, func(ctx context.Context, _ int) error {
		waiting, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := conn.Conn().WaitForNotification(waiting); err != nil && waiting.Err() == nil {
			return err
		}
		_, err := s.round(ctx, func(text []byte) { handle(read(text)) })
		return err
	})
	return func() error { defer conn.Release(); return stop() }, nil
}

// round takes up to a thousand tasks and completes them. It returns how many there were.
func (s *sqlSystem) round(ctx context.Context, handle func(text []byte)) (int, error) {
	rows, err := s.pool.Query(ctx, `UPDATE task SET status = 1, due = now() + interval '30 seconds' WHERE id IN (
		SELECT id FROM task WHERE queue = 1 AND status = 0 AND due <= now() ORDER BY due, id LIMIT 1000 FOR UPDATE SKIP LOCKED)
		RETURNING id, params`)
	if err != nil {
		return 0, err
	}
	var ids []int64
	var id int64
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		ids = append(ids, id)
		handle(text)
		return nil
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	_, err = s.pool.Exec(ctx, "UPDATE task SET status = 2 WHERE id = ANY ($1) AND status = 1", ids)
	return len(ids), err
}

func (s *sqlSystem) settled(ctx context.Context, n int) (is bool, err error) {
	err = s.look.QueryRow(ctx, "SELECT count(*) >= $1 FROM task WHERE status = 2", n).Scan(&is)
	return is, err
}

func (s *sqlSystem) close() error { s.pool.Close(); return nil }
