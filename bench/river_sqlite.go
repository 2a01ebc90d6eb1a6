package main

import (
	"context"
	"database/sql"
	"maps"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// riverOnSQLite is riverSettings, with what suits SQLite.
var riverOnSQLite = func() map[string][]setting {
	m := maps.Clone(riverSettings)
	m["insert-bulk"] = []setting{
		{name: "InsertManyFast 1 x 1,000", producers: 1, batch: 1000},
		{name: "InsertManyFast 1 x 10,000", producers: 1, batch: 10_000},
	}
	m["drain"] = []setting{
		{name: "1,000 workers", workers: 1000, tuned: true},
		{name: "100 workers", workers: 100, tuned: true},
		{name: "1,000 workers, default intervals", workers: 1000},
	}
	m["work"] = m["drain"][:1]
	m["sustained"] = m["work"]
	m["tasks-1000000"], m["queues-1000"] = nil, nil // they would take many minutes
	return m
}()

func (b *sqliteBackend) openRiver(ctx context.Context) (system, error) {
	db, err := b.riverDB()
	if err != nil {
		return nil, err
	}
	return newRiver(ctx, riversqlite.New(db), riverDatabase[*sql.Tx]{
		another: func() (riverdriver.Driver[*sql.Tx], func(), error) {
			another, err := b.riverDB()
			if err != nil {
				return nil, nil, err
			}
			return riversqlite.New(another), func() { _ = another.Close() }, nil
		},
		filling: map[content]string{
			finished: countTo + `INSERT INTO river_job
				(state, attempt, max_attempts, attempted_at, finalized_at, args, attempted_by, kind)
			SELECT 'completed', 1, 25, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, jsonb(?2), '["x"]', 'bench' FROM n`,
			future: countTo + `INSERT INTO river_job (state, max_attempts, scheduled_at, args, kind)
			SELECT 'scheduled', 25, datetime('now', '+1 day'), jsonb(?2), 'bench' FROM n`,
		},
		exec: func(ctx context.Context, text string, args ...any) error {
			_, err := db.ExecContext(ctx, text, args...)
			return err
		},
		busy: func(ctx context.Context) (busy bool, err error) {
			const text = `SELECT EXISTS (SELECT 1 FROM river_job WHERE state IN ('available', 'running'))`
			err = b.db.QueryRowContext(ctx, text).Scan(&busy)
			return busy, err
		},
		end: func() { _ = db.Close() },
	})
}

// riverDB opens the file as River's documentation has it: with one connection, as more run into each
// other's locks.
func (b *sqliteBackend) riverDB() (*sql.DB, error) {
	db, err := b.open()
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}
