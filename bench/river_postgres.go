package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// riverSettings are River's best, found by measuring more than these.
var riverSettings = map[string][]setting{
	"insert-1":  {{name: "Insert", producers: 1}},
	"insert-16": {{name: "Insert", producers: 16}},
	"insert-bulk": {
		{name: "InsertManyFast 4 x 1,000", producers: 4, batch: 1000},
		{name: "InsertManyFast 1 x 10,000", producers: 1, batch: 10_000},
		{name: "InsertManyFast 4 x 10,000", producers: 4, batch: 10_000},
	},
	"drain": {
		{name: "2,000 workers", workers: 2000, tuned: true},
		{name: "500 workers", workers: 500, tuned: true},
		{name: "100 workers", workers: 100, tuned: true},
	},
	"work":         {{name: "2,000 workers", workers: 2000, tuned: true}},
	"latency":      {{name: "defaults", workers: 100}},
	"sustained":    {{name: "2,000 workers, tables vacuumed after use", workers: 2000, tuned: true, warm: 20_000}},
	"slots":        {{name: "10,000 workers", tuned: true}},
	"queues-100":   riverOnManyQueues,
	"queues-1000":  riverOnManyQueues,
	"finished-10m": nil, // Firefly is compared with itself
	"soak":         nil,
}

// riverOnManyQueues has two settings, as each queue is polled.
var riverOnManyQueues = []setting{
	{name: "default intervals, 2,000 workers", workers: 2000},
	{name: "2,000 workers", workers: 2000, tuned: true},
}

func (b *postgresBackend) openRiver(ctx context.Context) (system, error) {
	pool, err := b.pool(ctx)
	if err != nil {
		return nil, err
	}
	return newRiver(ctx, riverpgxv5.New(pool), riverDatabase[pgx.Tx]{
		another: func() (riverdriver.Driver[pgx.Tx], func(), error) {
			another, err := b.pool(ctx)
			if err != nil {
				return nil, nil, err
			}
			return riverpgxv5.New(another), another.Close, nil
		},
		filling: map[content]string{
			finished: `INSERT INTO river_job
				(state, attempt, max_attempts, attempted_at, created_at, finalized_at, scheduled_at, args, attempted_by, kind, queue, tags)
			SELECT 'completed', 1, 25, now(), now(), now(), now(), $2::text::jsonb, '{x}', 'bench', 'default', '{}'
			FROM generate_series(1, $1)`,
			future: `INSERT INTO river_job (state, max_attempts, created_at, scheduled_at, args, kind, queue, tags)
			SELECT 'scheduled', 25, now(), now() + interval '1 day' + g * interval '1 ms', $2::text::jsonb, 'bench', 'default', '{}'
			FROM generate_series(1, $1) AS g`,
		},
		exec: func(ctx context.Context, text string, args ...any) error {
			_, err := pool.Exec(ctx, text, args...)
			return err
		},
		busy: func(ctx context.Context) (busy bool, err error) {
			const text = `SELECT EXISTS (SELECT FROM river_job WHERE state = 'available' OR state = 'running')`
			err = b.db.QueryRow(ctx, text).Scan(&busy)
			return busy, err
		},
		end: pool.Close,
	})
}
