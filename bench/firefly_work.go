package main

import (
	"context"
	"errors"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// work runs workers: of each server, which has a store of its own, as many as there are pools.
func (f *fireflySystem) work(ctx context.Context, how setting, l load, handle func(params)) (func() error, error) {
	f.ended.Store(0)
	stores := []store.Store{f.store}
	closeOthers := func() (err error) {
		for _, s := range stores[1:] {
			err = errors.Join(err, store.Close(s))
		}
		return err
	}
	for len(stores) < l.servers {
		s, err := f.another()
		if err != nil {
			return nil, errors.Join(err, closeOthers())
		}
		stores = append(stores, s)
	}
	var workers []*firefly.Worker
	for _, s := range stores {
		for range max(1, l.pools) {
			w, err := f.worker(s, how, l, handle)
			if err != nil {
				return nil, errors.Join(err, closeOthers())
			}
			workers = append(workers, w)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, len(workers))
	for _, w := range workers {
		go func() { ended <- w.Run(ctx) }()
	}
	return func() (err error) {
		cancel()
		for range workers {
			err = errors.Join(err, <-ended)
		}
		return errors.Join(err, closeOthers())
	}, nil
}

func (f *fireflySystem) worker(s store.Store, how setting, l load, handle func(params)) (*firefly.Worker, error) {
	handler := task.Handle(firefly.NoResult(func(_ context.Context, p params) error { handle(p); return nil }))
	if l.result > 0 {
		result := text(l.result)
		handler = fruitful.Handle(func(_ context.Context, p params) (string, error) { handle(p); return result, nil })
	}
	return firefly.NewWorker(s, firefly.WorkerConfig{
		Concurrency: how.workers, Queues: l.names(), Logger: quiet, Retention: how.retention,
		Hooks: firefly.Hooks{Ended: func(firefly.Info, firefly.End) { f.ended.Add(1) }},
	}, handler)
}
