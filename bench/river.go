package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
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
		{name: "100 workers", workers: 100, tuned: true},
		{name: "500 workers", workers: 500, tuned: true},
		{name: "2,000 workers", workers: 2000, tuned: true},
	},
	"latency":   {{name: "defaults", workers: 100}},
	"sustained": {{name: "2,000 workers, tables vacuumed after use", workers: 2000, tuned: true, warm: 20_000}},
	"wal":       {{name: "2,000 workers", workers: 2000, tuned: true}},
	"finished":  {{name: "2,000 workers", workers: 2000, tuned: true}},
	"future":    {{name: "2,000 workers", workers: 2000, tuned: true}},
}

// Kind makes params the arguments of a River job.
func (params) Kind() string { return "bench" }

type riverSystem struct {
	pool   *pgxpool.Pool
	look   *pgx.Conn
	client *river.Client[pgx.Tx]
}

func (b *postgresBackend) openRiver(ctx context.Context) (system, error) {
	pool, err := b.pool(ctx)
	if err != nil {
		return nil, err
	}
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	client, err := river.NewClient(driver, &river.Config{Logger: quiet})
	return &riverSystem{pool, b.db, client}, err
}

func (r *riverSystem) insert(ctx context.Context, p params) error {
	_, err := r.client.Insert(ctx, p, nil)
	return err
}

func (r *riverSystem) insertMany(ctx context.Context, n int, _ setting) error {
	many := make([]river.InsertManyParams, n)
	for i := range many {
		many[i].Args = newParams(i)
	}
	_, err := r.client.InsertManyFast(ctx, many)
	return err
}

func (r *riverSystem) fill(ctx context.Context, what content, n int) error {
	text := `INSERT INTO river_job
		(state, attempt, max_attempts, attempted_at, created_at, finalized_at, scheduled_at, args, attempted_by, kind, queue, tags)
	SELECT 'completed', 1, 25, now(), now(), now(), now(), convert_from($2, 'UTF8')::jsonb, '{x}', 'bench', 'default', '{}'
	FROM generate_series(1, $1)`
	if what == future {
		text = `INSERT INTO river_job (state, max_attempts, created_at, scheduled_at, args, kind, queue, tags)
		SELECT 'scheduled', 25, now(), now() + interval '1 day' + g * interval '1 ms', convert_from($2, 'UTF8')::jsonb, 'bench', 'default', '{}'
		FROM generate_series(1, $1) AS g`
	}
	_, err := r.pool.Exec(ctx, text, n, sample)
	return err
}

// riverWorker calls a function for each job.
type riverWorker struct {
	river.WorkerDefaults[params]
	handle func(params)
}

func (w *riverWorker) Work(_ context.Context, job *river.Job[params]) error {
	w.handle(job.Args)
	return nil
}

func (r *riverSystem) work(ctx context.Context, how setting, handle func(params)) (func() error, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{handle: handle})
	c := &river.Config{
		Logger: quiet, Workers: workers,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: how.workers}},
	}
	if how.tuned {
		c.FetchCooldown, c.FetchPollInterval = 2*time.Millisecond, 20*time.Millisecond
	}
	client, err := river.NewClient(riverpgxv5.New(r.pool), c)
	if err != nil {
		return nil, err
	}
	if err := client.Start(ctx); err != nil {
		return nil, err
	}
	return func() error { return client.Stop(context.WithoutCancel(ctx)) }, nil
}

func (r *riverSystem) settled(ctx context.Context, _ int) (is bool, err error) {
	const text = `SELECT NOT EXISTS (SELECT FROM river_job WHERE state = 'available' OR state = 'running')`
	err = r.look.QueryRow(ctx, text).Scan(&is)
	return is, err
}

func (r *riverSystem) close() error { r.pool.Close(); return nil }
