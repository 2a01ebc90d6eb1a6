package firefly

import (
	"context"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A HandlerFunc runs a claimed task and returns its encoded result. The task is shared, so it
// is not to be changed.
type HandlerFunc func(ctx context.Context, task *store.Task) ([]byte, error)

// Middleware wraps the run of every task of a worker: to trace, measure, log, limit, or change
// the error. Decoding, the handler and encoding are inside; a panic passes through it.
type Middleware func(next HandlerFunc) HandlerFunc

// Hooks are told what a worker does, for metrics and traces. Any may be nil. They are called
// concurrently, in the goroutines that do the work, so they must be quick and must not panic.
type Hooks struct {
	// Claimed follows every claim: how many tasks it got, and how long the store took.
	Claimed func(tasks int, took time.Duration)
	// Started comes before the handler of a task is called.
	Started func(ctx context.Context, info Info)
	// Ended comes once for each claimed task, when the store knows how its run ended.
	Ended func(info Info, end End)
	// Deleted follows every batch of finished tasks that a [Retention] has deleted.
	Deleted func(status store.Status, tasks int)
	// Trouble is a call to the store that failed and is tried again, or given up.
	Trouble func(doing string, err error)
}

// An End is how a run ended.
type End struct {
	Outcome Outcome
	Err     error         // the run's, or why it is lost
	Took    time.Duration // from the handler's start to its end; zero if it was not called
}

// An Outcome of a run.
type Outcome string

// The outcomes.
const (
	Completed Outcome = "completed"
	Retried   Outcome = "retried" // failed, and will be tried again
	Failed    Outcome = "failed"  // for good
	Cancelled Outcome = "cancelled"
	Snoozed   Outcome = "snoozed"
	Released  Outcome = "released" // given back as if it had not run
	Lost      Outcome = "lost"     // the lease was lost: another run decides, or will
	Unknown   Outcome = "unknown"  // the store did not say: committed, or lost
)

func (w *Worker) trouble(doing string, err error) {
	w.config.Logger.Warn("firefly: "+doing, "worker", w.config.Name, "error", err)
	if w.config.Hooks.Trouble != nil {
		w.config.Hooks.Trouble(doing, err)
	}
}

func (w *Worker) ended(r *run, outcome Outcome, err error) {
	if outcome == Failed || outcome == Lost {
		r.info().Logger().Warn("firefly: task "+string(outcome), "error", err)
	}
	if w.config.Hooks.Ended != nil {
		w.config.Hooks.Ended(r.info(), End{Outcome: outcome, Err: err, Took: r.took})
	}
}
