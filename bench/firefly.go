package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// task is the one that is measured.
var task = firefly.Declare[params, firefly.None]("bench")

// fireflySettings are how Firefly is used on any store. The first of several is the default.
var fireflySettings = map[string][]setting{
	"insert-1":  {{name: "Schedule", producers: 1}},
	"insert-16": {{name: "Schedule", producers: 16}},
	"insert-bulk": {
		{name: "ScheduleMany 4 x 1,000", producers: 4, batch: 1000},
		{name: "ScheduleMany 1 x 1,000", producers: 1, batch: 1000},
		{name: "ScheduleMany 1 x 10,000", producers: 1, batch: 10_000},
		{name: "ScheduleMany 4 x 10,000", producers: 4, batch: 10_000},
		{name: "Insert 4 x 1,000", producers: 4, batch: 1000, direct: true},
		{name: "Insert 1 x 10,000", producers: 1, batch: 10_000, direct: true},
		{name: "Insert 4 x 10,000", producers: 4, batch: 10_000, direct: true},
	},
	"drain": {
		{name: "defaults"},
		{name: "concurrency 10", workers: 10},
		{name: "concurrency 500", workers: 500},
		{name: "concurrency 2,000", workers: 2000},
	},
	"latency":   {{name: "defaults"}},
	"sustained": {{name: "defaults, tables vacuumed while empty"}},
	"wal":       {{name: "defaults"}},
	"finished":  {{name: "defaults"}},
	"future":    {{name: "defaults"}},
}

// quiet drops what is not worth measuring.
var quiet = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))

// fireflySystem is Firefly on some store.
type fireflySystem struct {
	store  store.Store
	client *firefly.Client
	finish func(ctx context.Context, n int) error // stores tasks that have ended
	ended  atomic.Int64                           // runs of the latest workers

	another func() (store.Store, error) // opens the store as another process does, for more than one worker
}

func newFirefly(s store.Store, finish func(ctx context.Context, n int) error) (system, error) {
	c, err := firefly.NewClient(s, firefly.ClientConfig{Logger: quiet})
	return &fireflySystem{store: s, client: c, finish: finish}, err
}

func (f *fireflySystem) insert(ctx context.Context, p params) error {
	_, err := task.Schedule(ctx, f.client, p)
	return err
}

func (f *fireflySystem) insertMany(ctx context.Context, n int, how setting) error {
	if how.direct {
		return f.insertDirectly(ctx, n)
	}
	return f.schedule(ctx, n)
}

func (f *fireflySystem) schedule(ctx context.Context, n int, options ...firefly.ScheduleOption) error {
	calls := make([]firefly.AnyCall, n)
	for i := range calls {
		calls[i] = task.Call(newParams(i), options...)
	}
	return f.client.ScheduleMany(ctx, calls...)
}

func (f *fireflySystem) insertDirectly(ctx context.Context, n int) error {
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		text, err := json.Marshal(newParams(i))
		if err != nil {
			return err
		}
		tasks[i] = store.NewTask{Name: task.Name(), Queue: "default", Encoding: "json", Params: text}
	}
	_, err := f.store.Insert(ctx, tasks)
	return err
}

func (f *fireflySystem) fill(ctx context.Context, what content, n int) error {
	if what == finished {
		return f.finish(ctx, n)
	}
	return produce(quickly.producers, n, quickly.batch, func(n int) error {
		return f.schedule(ctx, n, firefly.Delay(24*time.Hour))
	})
}

// settled counts the runs of which the store has confirmed the end, and looks into it at last.
func (f *fireflySystem) settled(ctx context.Context, n int) (bool, error) {
	if f.ended.Load() < int64(n) {
		return false, nil
	}
	counter, ok := store.As[store.Counter](f.store)
	if !ok {
		return false, errors.New("the store does not count")
	}
	queues, err := counter.Counts(ctx)
	if err != nil {
		return false, err
	}
	completed := int64(0)
	for _, q := range queues {
		completed += q.Completed
	}
	if completed < int64(n) {
		return false, fmt.Errorf("%d tasks have run, but only %d are completed", n, completed)
	}
	return true, nil
}

func (f *fireflySystem) close() error { return store.Close(f.store) }
