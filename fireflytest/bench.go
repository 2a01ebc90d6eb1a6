package fireflytest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// A bench is a store as the one worker of a test sees it. It hands out tasks one slot at a time, so
// that none is claimed ahead and their order is certain, and notes how they end. When nothing is
// left to do, it stops the worker.
type bench struct {
	store.Store
	queueAs string    // what tasks show as their queue; empty is their own
	queues  bool      // claim from all queues there are, whatever the worker says
	clock   movable   // to move when nothing is due; nil if it is to stand still
	end     time.Time // how far
	probe   bool      // more than the allowed runs is a fault

	mu    sync.Mutex
	slots int
	left  int // runs
	held  int
	ran   []Ran
	after time.Duration // of the last task that was put off
	fault error
	stop  context.CancelFunc
}

// Unwrap makes a client of the store that is tested one of the worker's store.
func (b *bench) Unwrap() store.Store { return b.Store }

// work runs a worker on the bench until nothing is left to do.
func (b *bench) work(tb testing.TB, cfg firefly.WorkerConfig, handlers ...firefly.Handler) {
	tb.Helper()
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 1
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(tb.Output(), nil))
	}
	cfg.PollInterval = time.Millisecond // while it holds a task, or has to be stopped
	cfg.Hooks.Ended = b.noting(cfg.Hooks.Ended)
	b.slots = cfg.Concurrency
	worker, err := firefly.NewWorker(b, cfg, handlers...)
	if err != nil {
		tb.Fatalf("fireflytest: %v", err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	b.stop = cancel
	if err := worker.Run(ctx); err != nil {
		tb.Fatalf("fireflytest: %v", err)
	}
	if b.fault != nil {
		tb.Fatalf("fireflytest: %v", b.fault)
	}
}

// noting returns a hook that notes how tasks end, and calls the user's.
func (b *bench) noting(next func(firefly.Info, firefly.End)) func(firefly.Info, firefly.End) {
	return func(info firefly.Info, end firefly.End) {
		if next != nil {
			next(info, end)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.held--
		b.ran = append(b.ran, Ran{Task: info.Task, Attempt: info.Attempt, Outcome: end.Outcome, Err: end.Err})
	}
}

// ClaimDue hands out what is due for as many slots as are free. If nothing is held and nothing
// due, it moves the clock, or ends the work.
func (b *bench) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	b.mu.Lock()
	held, left := b.held, b.left
	b.mu.Unlock()
	c.Limit = min(c.Limit, b.slots-held, left)
	last := left == 0 && held == 0
	switch {
	case last && !b.probe:
		b.finish(nil)
		return nil, nil
	case last:
		c.Limit = 1
	case c.Limit <= 0:
		return nil, nil
	}
	if err := b.widen(ctx, &c); err != nil {
		b.finish(err)
		return nil, nil
	}
	tasks, err := b.Store.ClaimDue(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case len(tasks) == 0 && held == 0:
		b.idle(ctx, c)
		return nil, nil
	case len(tasks) > 0 && last:
		b.finish(b.tooMany(ctx, tasks[0]))
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += len(tasks)
	b.left -= len(tasks)
	for i := range tasks {
		if b.queueAs != "" {
			tasks[i].Queue = b.queueAs
		}
	}
	return tasks, nil
}

// Reschedule notes for how long a task is put off.
func (b *bench) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	err := b.Store.Reschedule(ctx, again)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range again {
		b.after = a.After
	}
	return err
}

// widen lets a claim take from all queues that hold tasks and are not paused, if it is to.
func (b *bench) widen(ctx context.Context, c *store.Claim) error {
	if !b.queues {
		return nil
	}
	counter, ok := store.As[store.Counter](b.Store)
	if !ok {
		return fmt.Errorf("find the queues: %w: name them in Draining.Worker", store.Unsupported(b.Store, "Counter"))
	}
	counts, err := counter.Counts(ctx)
	if err != nil {
		return fmt.Errorf("find the queues: %w", err)
	}
	c.Queues = []string{}
	for _, q := range counts {
		if !q.Paused {
			c.Queues = append(c.Queues, q.Queue)
		}
	}
	return nil
}

// finish ends the work, well if the fault is nil.
func (b *bench) finish(fault error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == nil {
		b.fault = fault
	}
	b.stop()
}

// idle moves the clock to when the next task falls due. If there is none, it ends the work.
func (b *bench) idle(ctx context.Context, c store.Claim) {
	if b.clock == nil {
		b.finish(nil)
		return
	}
	next, err := nextDue(ctx, b.Store, c, b.clock.Now())
	if err != nil || next.IsZero() || next.After(b.end) {
		b.finish(err)
		return
	}
	b.clock.Advance(next.Sub(b.clock.Now()))
}

// tooMany gives a task back that is one more than is allowed, and names it.
func (b *bench) tooMany(ctx context.Context, t store.Task) error {
	err := b.Store.Reschedule(ctx, []store.Rescheduling{{ID: t.ID, Lease: t.Lease, Kind: store.Release}})
	if err != nil {
		return fmt.Errorf("release task %d: %w", t.ID, err)
	}
	return fmt.Errorf("after %d runs task %d (%s) is due still: does it schedule or retry itself for ever? "+
		"Draining.MaxRuns allows more", len(b.ran), t.ID, t.Name)
}
