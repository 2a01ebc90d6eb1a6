package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// The metrics.
const (
	rate      = "tasks/s"
	clientCPU = "client CPU s/1,000"
	serverCPU = "server CPU s/1,000"
	totalCPU  = "all CPU s/1,000"
	journal   = "WAL or AOF bytes/task"
	trips     = "round trips/1,000"
	p50       = "pick-up p50 ms"
	p99       = "pick-up p99 ms"
	idleCPU   = "idle CPU %"
	waiting   = "memory bytes/scheduled task"
	ended     = "memory bytes/finished task"
	kept      = "% of empty tables' rate"
)

// moreIsBetter reports what a metric aims at.
func moreIsBetter(metric string) bool { return metric == rate || metric == kept }

// A benchmark is a case.
type benchmark struct {
	name    string
	metrics []string // what it measures; of several settings, the best is best in the first
	measure func(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error)
}

// size is how much there is to do.
type size struct {
	scale float64 // 1 is for real
	pace  float64 // tasks a second of the case sustained
}

// of scales a number.
func (s size) of(n int) int { return max(100, int(float64(n)*s.scale)) }

var costs = []string{rate, clientCPU, serverCPU, totalCPU, journal, trips}

// crowds are how many workers take tasks from one queue in the cases workers-1 and so on: each is by
// itself, as in a process of its own. In those called pools-1 and so on they share a store.
var crowds = []int{1, 2, 4, 8, 16}

var benchmarks = append([]benchmark{
	{"insert-1", costs, insertSingly(10_000)},
	{"insert-16", costs, insertSingly(32_000)},
	{"insert-bulk", costs, insertBulk},
	{"drain", costs, drainAll},
	{"drain-one", costs, drainAll},
	{"latency", []string{p99, p50, idleCPU}, latency},
	{"sustained", []string{p99, p50, totalCPU}, sustained},
	{"wal", []string{journal}, life},
	{"memory", []string{waiting, ended}, memory},
	{"finished", []string{rate, kept, totalCPU}, drainBeside(finished)},
	{"future", []string{rate, kept, totalCPU}, drainBeside(future)},
}, byCrowds()...)

func byCrowds() (all []benchmark) {
	for _, kind := range []string{"workers", "pools"} {
		for _, n := range crowds {
			all = append(all, benchmark{fmt.Sprintf("%s-%d", kind, n), costs, drainByCrowd})
		}
	}
	return all
}

// insertSingly inserts tasks one by one.
func insertSingly(tasks int) func(context.Context, backend, system, setting, size) (map[string]float64, error) {
	return func(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
		n := size.of(tasks)
		if err := s.insert(ctx, newParams(0)); err != nil { // connects
			return nil, err
		}
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
		c, err := spend(ctx, b, func() error {
			return produce(how.producers, n, 1, func(int) error { return s.insert(ctx, newParams(n)) })
		})
		return c.metrics(n), err
	}
}

func insertBulk(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
	n := size.of(120_000)
	if err := s.insertMany(ctx, 1, how); err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	c, err := spend(ctx, b, func() error { return load(ctx, s, how, n) })
	return c.metrics(n), err
}

// load inserts n tasks in batches.
func load(ctx context.Context, s system, how setting, n int) error {
	return produce(how.producers, n, how.batch, func(n int) error { return s.insertMany(ctx, n, how) })
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
