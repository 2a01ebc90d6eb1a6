package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"time"
)

// bareSettings are what a hand-written loop of statements does on a table of five columns, through one
// connection.
var bareSettings = map[string][]setting{
	"insert-1":    {{name: "INSERT", producers: 1}},
	"insert-16":   {{name: "INSERT", producers: 16}},
	"insert-bulk": {{name: "INSERT 1 x 1,000", producers: 1, batch: 1000}, {name: "INSERT 1 x 10,000", producers: 1, batch: 10_000}},
	"drain":       {{name: "UPDATE, UPDATE"}},
	"wal":         {{name: "INSERT, UPDATE, UPDATE"}},
}

// A bareSystem takes and completes tasks a thousand at a time, and knows neither retries nor leases.
type bareSystem struct {
	db   *sql.DB
	done atomic.Int64
}

func (b *sqliteBackend) openBare(ctx context.Context) (system, error) {
	db, err := b.riverDB()
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `
CREATE TABLE task (
	id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, status INTEGER NOT NULL DEFAULT 0,
	due INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000), params BLOB NOT NULL);
CREATE INDEX task_ready ON task (queue, due, id) WHERE status = 0`)
	return &bareSystem{db: db}, err
}

// insert stores up to a hundred in a statement, and all in one transaction.
func (s *bareSystem) insert(ctx context.Context, jobs []job, _ setting) error {
	const most = 100
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for n := len(jobs); n > 0; n -= most {
		rows := min(n, most)
		args := make([]any, rows)
		for i := range args {
			args[i] = sample
		}
		text := "INSERT INTO task (queue, params) VALUES (1, ?)" + strings.Repeat(", (1, ?)", rows-1)
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (s *bareSystem) fill(context.Context, content, int) error { return errors.ErrUnsupported }

func (s *bareSystem) work(ctx context.Context, _ setting, _ load, handle func(params)) (func() error, error) {
	return rounds(ctx, 1, func(ctx context.Context, _ int) error { return s.round(ctx, handle) }), nil
}

// round takes up to a thousand tasks in one transaction and completes them in another.
func (s *bareSystem) round(ctx context.Context, handle func(params)) error {
	n, first, last, err := s.take(ctx, handle)
	if err != nil {
		return err
	}
	if n == 0 {
		time.Sleep(time.Millisecond)
		return nil
	}
	_, err = s.db.ExecContext(ctx, "UPDATE task SET status = 2 WHERE id BETWEEN ? AND ? AND status = 1", first, last)
	s.done.Add(n)
	return err
}

func (s *bareSystem) take(ctx context.Context, handle func(params)) (n, first, last int64, err error) {
	rows, err := s.db.QueryContext(ctx, `UPDATE task SET status = 1, due = due + 30000 WHERE id IN (
		SELECT id FROM task WHERE queue = 1 AND status = 0 AND due <= unixepoch('subsec') * 1000 ORDER BY due, id LIMIT 1000)
		RETURNING id, params`)
	if err != nil {
		return 0, 0, 0, err
	}
	var id int64
	var text []byte
	for rows.Next() {
		if err := rows.Scan(&id, &text); err != nil {
			return 0, 0, 0, errors.Join(err, rows.Close())
		}
		if n == 0 {
			first, last = id, id
		}
		first, last = min(first, id), max(last, id)
		n++
		handle(params{})
	}
	return n, first, last, errors.Join(rows.Err(), rows.Close())
}

func (s *bareSystem) settled(_ context.Context, n int) (bool, error) {
	return s.done.Load() >= int64(n), nil
}

func (s *bareSystem) close() error { return s.db.Close() }
