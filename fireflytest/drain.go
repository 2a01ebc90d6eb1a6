package fireflytest

import (
	"math"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// Ran is one run of a task.
type Ran struct {
	Task    store.Task // as it was claimed
	Attempt int        // which run it was, from 1
	Outcome firefly.Outcome
	Err     error // what it ended with; nil if it completed or snoozed
}

// Drain runs the tasks that are due and that there are handlers for, also those that they schedule,
// until none is due. It returns the runs in the order in which they ended. That a task fails is no
// failure of the test. Tasks run one after the other, so a handler must not wait for another task.
func Drain(tb testing.TB, s store.Store, handlers ...firefly.Handler) []Ran {
	tb.Helper()
	return Draining{}.Run(tb, s, handlers...)
}

// DrainAll is [Drain], and then moves the store's clock to when the next task falls due, and so on,
// until no task waits. The store must be one of [NewStore].
func DrainAll(tb testing.TB, s store.Store, handlers ...firefly.Handler) []Ran {
	tb.Helper()
	return Draining{Ahead: math.MaxInt64}.Run(tb, s, handlers...)
}

// Draining says how to drain a store. Its zero value is what [Drain] does.
type Draining struct {
	// Ahead is for how long from now what falls due is run, too: the store's clock moves from one
	// task to the next, and not beyond the last. Zero is only what is due now. Otherwise the store
	// must be one of [NewStore].
	Ahead time.Duration
	// MaxRuns is how many runs are too few to drain the store: with more to do, the test ends. Zero
	// is 1,000.
	MaxRuns int
	// Worker configures the worker. Without Queues it serves all that hold tasks, and a zero
	// Concurrency is 1 here. Without a Logger it logs to the test.
	Worker firefly.WorkerConfig
}

// Run drains the store.
func (d Draining) Run(tb testing.TB, s store.Store, handlers ...firefly.Handler) []Ran {
	tb.Helper()
	b := &bench{Store: s, queues: len(d.Worker.Queues) == 0, left: d.MaxRuns, probe: true}
	if b.left <= 0 {
		b.left = 1000
	}
	if d.Ahead > 0 {
		var ok bool
		if b.clock, ok = store.As[movable](s); !ok {
			tb.Fatalf("fireflytest: the clock of %T cannot be moved: make the store with NewStore", store.Base(s))
		}
		b.end = b.clock.Now().Add(d.Ahead)
	}
	b.work(tb, d.Worker, handlers...)
	return b.ran
}
