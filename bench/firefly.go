package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// task is the one that is measured, and fruitful the same with a result.
var (
	task     = firefly.Declare[params, firefly.None]("bench")
	fruitful = firefly.Declare[params, string](task.Name())
)

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
	"work":         {{name: "defaults"}},
	"sustained":    {{name: "defaults, tables vacuumed while empty"}},
	"soak":         {{name: "completed tasks are kept for 10 minutes", retention: firefly.Retention{Completed: 10 * time.Minute}}},
	"slots":        {{name: "concurrency 10,000"}},
	"handler-1ms":  waiters,
	"handler-10ms": waiters,
	"drain-one":    nil, // but for Redis
	"memory":       nil, // but for Redis
}

// waiters suit handlers that wait.
var waiters = []setting{{name: "defaults"}, {name: "concurrency 2,000", workers: 2000}}

// quiet drops what nobody reads here.
var quiet = slog.New(slog.DiscardHandler)

// fireflySystem is Firefly on some store.
type fireflySystem struct {
	fireflyOn
	store  store.Store
	client *firefly.Client
	ended  atomic.Int64 // runs of the latest workers
	swept  bool         // finished tasks were deleted
}

// fireflyOn is what a database adds to a store.
type fireflyOn struct {
	finish  func(ctx context.Context, n int) error // stores tasks that have ended, with the ids of older ones
	another func() (store.Store, error)            // opens the store as another process does
}

func newFirefly(s store.Store, on fireflyOn) (system, error) {
	c, err := firefly.NewClient(s, firefly.ClientConfig{Logger: quiet})
	return &fireflySystem{fireflyOn: on, store: s, client: c}, err
}

func (f *fireflySystem) insert(ctx context.Context, jobs []job, how setting) error {
	switch {
	case how.direct:
		return f.insertDirectly(ctx, jobs)
	case len(jobs) == 1:
		_, err := task.Schedule(ctx, f.client, jobs[0].params, jobs[0].options()...)
		return err
	default:
		calls := make([]firefly.AnyCall, len(jobs))
		for i, j := range jobs {
			calls[i] = task.Call(j.params, j.options()...)
		}
		return f.client.ScheduleMany(ctx, calls...)
	}
}

// options says what is not the default.
func (j *job) options() (all []firefly.ScheduleOption) {
	if j.queue != defaultQueue {
		all = append(all, firefly.Queue(j.queue))
	}
	if j.priority != 0 {
		all = append(all, firefly.Priority(j.priority))
	}
	if j.unique != "" {
		all = append(all, firefly.Unique(j.unique))
	}
	if j.delay > 0 {
		all = append(all, firefly.Delay(j.delay))
	}
	return all
}

func (f *fireflySystem) insertDirectly(ctx context.Context, jobs []job) error {
	tasks := make([]store.NewTask, len(jobs))
	for i, j := range jobs {
		text, err := json.Marshal(j.params)
		if err != nil {
			return err
		}
		tasks[i] = store.NewTask{Name: task.Name(), Queue: j.queue, Encoding: "json", Params: text}
	}
	_, err := f.store.Insert(ctx, tasks)
	return err
}

func (f *fireflySystem) fill(ctx context.Context, what content, n int) error {
	if what == finished {
		return f.finish(ctx, n)
	}
	return produce(quickly.producers, n, quickly.batch, func(n int) error {
		return f.insert(ctx, later(n), quickly)
	})
}

// sweep implements sweeper as a worker's retention does, but for the age of what it deletes.
func (f *fireflySystem) sweep(ctx context.Context) (int, error) {
	f.swept = true
	deleter, ok := store.As[store.Deleter](f.store)
	if !ok {
		return 0, errors.New("the store does not delete")
	}
	ids, err := deleter.Delete(ctx, store.Filter{Statuses: []store.Status{store.Completed}, Queues: []string{defaultQueue}}, 1000)
	return len(ids), err
}

// settled counts the runs of which the store has confirmed the end, and looks into it at last.
func (f *fireflySystem) settled(ctx context.Context, n int) (bool, error) {
	if f.ended.Load() < int64(n) {
		return false, nil
	}
	if f.swept { // what the store has completed is not there any more
		return true, nil
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
