package fireflytest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// A Result is what came of one run of a handler whose task returns an R.
type Result[R any] struct {
	// Outcome is the engine's verdict. A run that cannot be retried any more is firefly.Failed.
	Outcome firefly.Outcome
	// Returned is what a completed run returned, encoded and decoded again; zero otherwise.
	Returned R
	// Err is the error that the run ended with, for errors.Is and errors.As; nil if it completed
	// or snoozed. A panic is a *firefly.PanicError.
	Err error
	// After is the time until the next run, of a run that was retried or snoozed.
	After time.Duration
	// Task is the task as the run left it.
	Task store.Task
	// Scheduled are the tasks that were stored during the run, in the order of their ids. What the
	// handler scheduled on a client of the same store is there only if it completed.
	Scheduled []store.Task
}

// Require ends the test unless the run ended with that outcome, and returns r.
func (r *Result[R]) Require(tb testing.TB, outcome firefly.Outcome) *Result[R] {
	tb.Helper()
	if r.Outcome != outcome {
		text, _, _ := strings.Cut(fmt.Sprint(r.Err), "\n") // without a panic's stack
		tb.Fatalf("fireflytest: the run of %s ended as %s, want %s; its error: %s", r.Task.Name, r.Outcome, outcome, text)
	}
	return r
}

// Run stores a task, lets a worker run it once with fn, and returns what came of it. The handler's
// context is a real one: [firefly.Attempt] and [store.AttemptTx] work, and with [On] the handler's
// tasks are staged. Middleware, codecs and hooks are those of [Worker].
//
// The task is taken for due, whatever its ETA. No other worker gets hold of it, and afterwards it is
// deleted: of the store, only what the handler did is left. The store must be a [store.Getter], a
// [store.Lister] and a [store.Deleter].
func Run[A, R any](
	tb testing.TB, task firefly.Task[A, R], fn func(ctx context.Context, args A) (R, error), args A, opts ...Option,
) *Result[R] {
	tb.Helper()
	return run(tb, firefly.Defined[A, R]{Task: task, Handler: task.Handle(fn)}, args, opts)
}

// RunDefined is [Run] for a task that was made together with its handler.
func RunDefined[A, R any](tb testing.TB, task firefly.Defined[A, R], args A, opts ...Option) *Result[R] {
	tb.Helper()
	return run(tb, task, args, opts)
}

// runQueue is where the tasks of Run wait: no worker serves it but Run's own.
const runQueue = "fireflytest/run"

func run[A, R any](tb testing.TB, task firefly.Defined[A, R], args A, opts []Option) *Result[R] {
	tb.Helper()
	o := newOptions(tb, opts)
	fatal := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatalf("fireflytest: run %s: %v", task.Name(), err)
		}
	}
	ctx, s := tb.Context(), o.client.Store()
	stored, err := newTask(ctx, o.client, task.Task, args, o.scheduled)
	fatal(err)
	queue := stored.Queue
	stored.Queue, stored.ETA, stored.Delay = fmt.Sprintf("%s/%s", runQueue, store.NewLeaseID()), time.Time{}, 0
	id, err := begin(ctx, s, stored, o.attempt)
	fatal(err)

	b := &bench{Store: s, queueAs: queue, left: 1}
	o.worker.Queues, o.worker.Concurrency = []string{stored.Queue}, 1
	b.work(tb, o.worker, task.Handler)
	if len(b.ran) == 0 {
		fatal(fmt.Errorf("the worker did not run task %d", id))
	}

	handle := task.Find(o.client, id)
	res := &Result[R]{Outcome: b.ran[0].Outcome, Err: b.ran[0].Err, After: b.after}
	res.Task, err = handle.Task(ctx)
	fatal(err)
	res.Task.Queue = queue
	if res.Outcome == firefly.Completed {
		res.Returned, err = handle.Returned(ctx)
		fatal(err)
	}
	res.Scheduled, err = listAll(ctx, s, store.Filter{}, id)
	fatal(err)
	fatal(remove(ctx, s, id))
	return res
}

// begin stores a task and puts it before its attempt of that number.
func begin(ctx context.Context, s store.Store, task store.NewTask, attempt int) (id int64, err error) {
	in, err := s.Insert(ctx, []store.NewTask{task})
	if err != nil {
		return 0, err
	}
	if in[0].Outcome != store.Stored {
		return 0, fmt.Errorf("task %d has the unique key %q", in[0].ID, task.UniqueKey)
	}
	for n := 1; n < attempt; n++ {
		c := store.Claim{
			Queues: []string{task.Queue}, Names: []string{task.Name}, Limit: 1, Lease: store.NewLeaseID(), For: time.Minute,
		}
		if _, err := s.ClaimDue(ctx, c); err != nil {
			return 0, err
		}
		again := store.Rescheduling{
			ID: in[0].ID, Lease: c.Lease, Kind: store.Retry,
			Err: &store.AttemptError{Attempt: n, Text: "fireflytest: taken for failed"},
		}
		if err := s.Reschedule(ctx, []store.Rescheduling{again}); err != nil {
			return 0, err
		}
	}
	return in[0].ID, nil
}

func remove(ctx context.Context, s store.Store, id int64) error {
	deleter, ok := store.As[store.Deleter](s)
	if !ok {
		return store.Unsupported(s, "Deleter")
	}
	_, err := deleter.Delete(ctx, store.Filter{IDs: []int64{id}}, 1)
	return err
}
