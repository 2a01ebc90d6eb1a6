package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A benchmark is a case.
type benchmark struct {
	name    string
	when    when
	metrics []string // what it reports; of several settings, the best is best in the first
	measure func(ctx context.Context, t *trial) (map[string]float64, error)
	load    load
}

// when a case is measured, if no cases are named.
type when int

const (
	usual     when = iota
	quick          // also in a short run
	onRequest      // only if it is named
)

// benchmarks are the cases, in the order of the tables. A contender without a setting for one uses that
// of the case work.
var benchmarks = slices.Concat([]benchmark{
	{"insert-1", quick, costs, insertSingly, load{tasks: 10_000}},
	{"insert-16", quick, costs, insertSingly, load{tasks: 32_000}},
	{"insert-bulk", quick, costs, insertAll, load{tasks: 120_000}},
	{"drain", quick, costs, drainAll, load{tasks: 100_000}},
	{"drain-one", usual, costs, drainAll, load{tasks: 100_000}},
	{"latency", quick, pickUp, latency, load{tasks: 500}},
	{"sustained", usual, steady, sustained, load{tasks: 1000}},
	{"soak", onRequest, soaked, soak, load{tasks: 1000}},
	{"wal", quick, written, life, load{tasks: 50_000}},
	{"memory", usual, inMemory, footprint, load{tasks: 100_000}},
	{"slots", usual, perSlot, slots, load{tasks: 10_000}},

	{"finished", usual, besides, drainBeside, load{tasks: 50_000, beside: finished, others: 1_000_000}},
	{"finished-10m", onRequest, besides, drainBeside, load{tasks: 50_000, beside: finished, others: 10_000_000}},
	{"future", usual, besides, drainBeside, load{tasks: 50_000, beside: future, others: 1_000_000}},
	{"retention", usual, besides, drainSwept, load{tasks: 50_000, beside: finished, others: 200_000}},

	{"handler-1ms", quick, whole, life, load{tasks: 50_000, handler: time.Millisecond}},
	{"handler-10ms", usual, whole, life, load{tasks: 20_000, handler: 10 * time.Millisecond}},
	{"params-1k", quick, whole, life, load{tasks: 50_000, bytes: 1 << 10}},
	{"params-10k", usual, whole, life, load{tasks: 10_000, bytes: 10 << 10}},
	{"results", usual, whole, life, load{tasks: 50_000, result: 1 << 10}},
	{"priorities", usual, whole, life, load{tasks: 50_000, priority: true}},
	{"unique", usual, whole, life, load{tasks: 50_000, unique: true}},
},
	growing("tasks", usual, func(n int) load { return load{tasks: n} }, 10_000, 100_000, 1_000_000),
	growing("tasks", onRequest, func(n int) load { return load{tasks: n} }, 10_000_000),
	growing("queues", usual, func(n int) load { return load{tasks: 50_000, queues: n} }, 1, 10, 100, 1000),
	growing("workers", usual, func(n int) load { return load{tasks: 50_000, servers: n} }, crowds...),
	growing("pools", onRequest, func(n int) load { return load{tasks: 50_000, pools: n} }, crowds...),
)

// crowds are how many workers take tasks from one queue in the cases workers-1 and so on: each is by
// itself, as in a process of its own. In those called pools-1 and so on they share a store.
var crowds = []int{1, 2, 4, 8, 16}

func numbered(of string, n int) string { return fmt.Sprintf("%s-%d", of, n) }

// growing makes a case of each number of something.
func growing(of string, when when, load func(n int) load, numbers ...int) (all []benchmark) {
	for _, n := range numbers {
		all = append(all, benchmark{numbered(of, n), when, growth, drainAll, load(n)})
	}
	return all
}

func benchmarkNamed(name string) (benchmark, error) {
	i := slices.IndexFunc(benchmarks, func(b benchmark) bool { return b.name == name })
	if i < 0 {
		return benchmark{}, fmt.Errorf("there is no case %q", name)
	}
	return benchmarks[i], nil
}
