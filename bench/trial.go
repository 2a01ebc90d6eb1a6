package main

import (
	"cmp"
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// A trial is one measurement: of a contender with one setting, on an empty database.
type trial struct {
	backend backend
	system  system
	how     setting
	load    load
	size    size
	share   float64
	queues  []string
	padding string
	last    atomic.Int64 // number of a task
}

// patience is how long a measurement may take, and again for each million tasks that it is beside.
const patience = 5 * time.Minute

// once measures a contender on an empty database.
func once(ctx context.Context, b backend, c contender, bench benchmark, how setting, size size) (m map[string]float64, err error) {
	limit := patience + size.soak + patience*time.Duration(size.of(bench.load.others)/1_000_000)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := b.reset(ctx); err != nil {
		return nil, err
	}
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	debug.FreeOSMemory() // what went before is not to be collected now
	t := &trial{backend: b, system: s, how: how, load: bench.load, size: size, share: cmp.Or(c.share, 1)}
	t.queues, t.padding = t.load.names(), t.load.padding()
	return bench.measure(ctx, t)
}

// size is how much there is to do.
type size struct {
	scale float64       // 1 is for real
	pace  float64       // tasks a second of the case sustained
	soak  time.Duration // how long the case soak takes
}

// of scales a number.
func (s size) of(n int) int { return max(100, int(float64(n)*s.scale)) }

// tasks is how many there are for this contender to store or run.
func (t *trial) tasks() int { return t.size.of(int(float64(t.load.tasks) * t.share)) }

// times is how often something happens that takes its time, whoever is measured.
func (t *trial) times() int { return t.size.of(t.load.tasks) }

// insert stores n tasks in one call.
func (t *trial) insert(ctx context.Context, n int, how setting) error {
	first := t.last.Add(int64(n)) - int64(n)
	return t.system.insert(ctx, t.jobs(first, n), how)
}

// fill inserts n tasks in batches.
func (t *trial) fill(ctx context.Context, how setting, n int) error {
	return produce(how.producers, n, how.batch, func(n int) error { return t.insert(ctx, n, how) })
}

// work runs what is due until stop is called.
func (t *trial) work(ctx context.Context, handle func(params)) (stop func() error, err error) {
	if d := t.load.handler; d > 0 {
		return t.system.work(ctx, t.how, t.load, func(p params) { time.Sleep(d); handle(p) })
	}
	return t.system.work(ctx, t.how, t.load, handle)
}

func (t *trial) settle(ctx context.Context) error { return t.backend.settle(ctx) }

// spend measures what f costs.
func (t *trial) spend(ctx context.Context, f func() error) (cost, error) {
	return spend(ctx, t.backend, f)
}

// produce lets goroutines make n things in batches.
func produce(goroutines, n, batch int, one func(n int) error) error {
	var left atomic.Int64
	left.Store(int64(n))
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for errs[i] == nil {
				rest := int(left.Add(int64(-batch))) + batch
				if rest <= 0 {
					return
				}
				errs[i] = one(min(batch, rest))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
