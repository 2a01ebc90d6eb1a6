package main

import "slices"

// A target is judged by the rows. Where one is not met, the page says why: see whys.
type target struct {
	what      string
	store     string
	bench     string
	metric    string
	of        quantity
	bound     float64 // the least, or of figures for which less is better, the most
	reference string  // for growth, the case that the figure is compared with
}

// A quantity is what a target bounds.
type quantity int

const (
	toPeer    quantity = iota // Firefly's ratio
	toLimit                   // Firefly's figure, as a share of the limit's
	figure                    // Firefly's
	toOwnCase                 // Firefly's figure, as a share of that in another case
)

// targets are in the order of the page.
var targets = slices.Concat([]target{
	{what: "drain, to River's best", store: "postgres", bench: "drain", metric: rate, of: toPeer, bound: 4},
	{what: "drain, to the bare limit", store: "postgres", bench: "drain", metric: rate, of: toLimit, bound: .6},
	{what: "CPU seconds for 1,000 tasks that are drained", store: "postgres", bench: "drain", metric: totalCPU, of: figure, bound: .020},
	{what: "WAL bytes of a task's life", store: "postgres", bench: "wal", metric: journal, of: figure, bound: 900},
	{what: "insertion by 1 goroutine, to River's", store: "postgres", bench: "insert-1", metric: rate, of: toPeer, bound: 3},
	{what: "insertion by 16 goroutines, to River's", store: "postgres", bench: "insert-16", metric: rate, of: toPeer, bound: 6},
	{what: "insertion in bulk, to River's COPY", store: "postgres", bench: "insert-bulk", metric: rate, of: toPeer, bound: 4},
	{what: "pick-up at defaults, median, ms", store: "postgres", bench: "latency", metric: p50, of: figure, bound: 2},
	{what: "pick-up at defaults, 99 %, ms", store: "postgres", bench: "latency", metric: p99, of: figure, bound: 6},
	{what: "CPU of an idle worker, %", store: "postgres", bench: "latency", metric: idleCPU, of: figure, bound: 1},
	{what: "pick-up at half of River's drain rate, 99 %, ms", store: "postgres", bench: "sustained", metric: p99, of: figure, bound: 15},

	{what: "drain, to one asynq server", store: "redis", bench: "drain-one", metric: rate, of: toPeer, bound: 10},
	{what: "drain, to asynq's best", store: "redis", bench: "drain", metric: rate, of: toPeer, bound: 5},
	{what: "CPU seconds for 1,000 tasks that are drained", store: "redis", bench: "drain", metric: totalCPU, of: figure, bound: .015},
	{what: "insertion by 1 goroutine, to asynq's", store: "redis", bench: "insert-1", metric: rate, of: toPeer, bound: 1},
	{what: "insertion by 16 goroutines, to asynq's", store: "redis", bench: "insert-16", metric: rate, of: toPeer, bound: 3},
	{what: "insertion in bulk, to the bare limit", store: "redis", bench: "insert-bulk", metric: rate, of: toLimit, bound: .6},
	{what: "pick-up at defaults, median, ms", store: "redis", bench: "latency", metric: p50, of: figure, bound: 1},
	{what: "pick-up at defaults, 99 %, ms", store: "redis", bench: "latency", metric: p99, of: figure, bound: 4},
	{what: "CPU of an idle worker, %", store: "redis", bench: "latency", metric: idleCPU, of: figure, bound: 1},
	{what: "memory of a scheduled task, bytes", store: "redis", bench: "memory", metric: waiting, of: figure, bound: 350},

	{what: "drain, to River's driver", store: "sqlite", bench: "drain", metric: rate, of: toPeer, bound: 5},
	{what: "insertion by 1 goroutine, to River's driver", store: "sqlite", bench: "insert-1", metric: rate, of: toPeer, bound: 5},
	{what: "insertion by 16 goroutines, to River's driver", store: "sqlite", bench: "insert-16", metric: rate, of: toPeer, bound: 5},
	{what: "insertion in bulk, to River's driver", store: "sqlite", bench: "insert-bulk", metric: rate, of: toPeer, bound: 5},

	{what: "drain, to a hand-written loop", store: "mongo", bench: "drain", metric: rate, of: toPeer, bound: .6},
	{what: "insertion by 1 goroutine, to the loop's", store: "mongo", bench: "insert-1", metric: rate, of: toPeer, bound: .6},
	{what: "insertion by 16 goroutines, to the loop's", store: "mongo", bench: "insert-16", metric: rate, of: toPeer, bound: .6},
	{what: "insertion in bulk, to the loop's", store: "mongo", bench: "insert-bulk", metric: rate, of: toPeer, bound: .6},

	{what: "drain, tasks/s", store: "memory", bench: "drain", metric: rate, of: figure, bound: 300_000},
},
	onEachOf([]string{"postgres", "redis", "mongo", "sqlite", "memory"}, target{
		what: "drain beside 1 M finished tasks, % of alone", bench: "finished", metric: kept, of: figure, bound: 95,
	}, target{
		what: "drain beside 10 M finished tasks, % of alone", bench: "finished-10m", metric: kept, of: figure, bound: 90,
	}, target{
		what: "drain beside 1 M future tasks, % of alone", bench: "future", metric: kept, of: figure, bound: 95,
	}, target{
		what: "soak: memory, % of that at half time", bench: "soak", metric: heapGrown, of: figure, bound: 110,
	}, target{
		what: "memory of a task that runs, bytes", bench: "slots", metric: slot, of: figure, bound: 4096,
	}),
	onEachOf([]string{"postgres", "redis", "mongo", "sqlite"}, target{
		what: "soak: what is stored, % of that at half time", bench: "soak", metric: diskGrown, of: figure, bound: 110,
	}, target{
		what: "drain by 16 workers, to one's", bench: "workers-16", metric: rate, of: toOwnCase, bound: 1, reference: "workers-1",
	}, target{
		what: "heap with 1 M waiting tasks, to that with 100,000", bench: "tasks-1000000", metric: heap, of: toOwnCase, bound: 1.5,
		reference: "tasks-100000",
	}),
)

// onEachOf sets targets on each of the stores.
func onEachOf(stores []string, each ...target) (all []target) {
	for _, t := range each {
		for _, s := range stores {
			t.store = s
			all = append(all, t)
		}
	}
	return all
}

// A verdict is how far a target is met.
type verdict struct {
	target
	value    float64
	measured bool
	met      bool
	row      row
}

// judge compares a target with the rows.
func (t target) judge(rows []row) verdict {
	v := verdict{target: t}
	r, ok := find(rows, t.store, t.bench, t.metric)
	if !ok {
		return v
	}
	v.row = r
	switch t.of {
	case toPeer:
		v.value = r.Ratio
	case toLimit:
		v.value = over(r.Firefly, r.Limit)
	case figure:
		v.value = r.Firefly
	case toOwnCase:
		base, _ := find(rows, t.store, t.reference, t.metric)
		v.value = over(r.Firefly, base.Firefly)
	}
	v.measured = v.value != 0
	if t.atLeast() {
		v.met = v.measured && v.value >= t.bound
	} else {
		v.met = v.measured && v.value <= t.bound
	}
	return v
}

// atLeast reports whether the bound is the least that is to be reached. Ratios are above 1 where
// Firefly is better, whatever the metric aims at.
func (t target) atLeast() bool { return t.of == toPeer || moreIsBetter(t.metric) }

// find returns the row of Firefly's best setting.
func find(rows []row, store, bench, metric string) (row, bool) {
	i := slices.IndexFunc(rows, func(r row) bool { return r.Store == store && r.Case == bench && r.Metric == metric })
	if i < 0 {
		return row{}, false
	}
	return rows[i], true
}

// over divides; of nothing it is 0.
func over(x, y float64) float64 {
	if y == 0 {
		return 0
	}
	return x / y
}
