package firefly_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

func TestShutdown(t *testing.T) {
	for name, test := range map[string]struct {
		run   func(ctx context.Context) error
		grace time.Duration
		want  store.Status
		took  time.Duration
		cause error
	}{
		"finishes in time":     {func(context.Context) error { <-time.After(8 * time.Second); return nil }, 0, store.Completed, 7 * time.Second, nil},
		"needs longer":         {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 0, store.Created, 10 * time.Second, firefly.ErrShutdown},
		"finishes when told":   {func(ctx context.Context) error { <-ctx.Done(); return nil }, 0, store.Completed, 10 * time.Second, firefly.ErrShutdown},
		"fails when told":      {func(ctx context.Context) error { <-ctx.Done(); return firefly.Permanent(ctx.Err()) }, 0, store.Failed, 10 * time.Second, firefly.ErrShutdown},
		"has no grace":         {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, -1, store.Created, 0, firefly.ErrShutdown},
		"has a short grace":    {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, time.Second, store.Created, time.Second, firefly.ErrShutdown},
		"ignores its context":  {func(context.Context) error { <-time.After(time.Hour); return nil }, 0, store.Created, 15 * time.Second, nil},
		"ignores it and fails": {func(context.Context) error { <-time.After(time.Hour); return errors.New("late") }, 0, store.Created, 15 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var cause error
				stop := w.work(firefly.WorkerConfig{ShutdownGrace: test.grace}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					err := test.run(ctx)
					cause = context.Cause(ctx)
					return firefly.None{}, err
				}))
				h := w.schedule(firefly.MaxRetries(3))
				due := w.task(h.ID()).Due
				w.settle(time.Second)
				began := time.Now()
				stop()
				if took := time.Since(began); took != test.took {
					t.Errorf("Run returned after %s, want %s", took, test.took)
				}
				task := w.status(h.ID(), test.want)
				if task.Retries != 0 || task.Crashes != 0 || test.want == store.Created && !task.Due.Equal(due) {
					t.Errorf("stopped with %d retries, %d crashes, due %s, want %s", task.Retries, task.Crashes, task.Due, due)
				}
				w.settle(2 * time.Hour) // a handler that ignored its context ends, to no effect
				w.status(h.ID(), test.want)
				if test.cause != nil && !errors.Is(cause, test.cause) {
					t.Errorf("the context ended because of %v", cause)
				}
			})
		})
	}
}

func TestReleasedTasksRunElsewhereAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		stop := w.work(firefly.WorkerConfig{ShutdownGrace: -1}, job.Handle(block))
		var ids []int64
		for range 50 {
			ids = append(ids, w.schedule().ID())
		}
		w.settle(time.Second)
		stop()
		w.work(firefly.WorkerConfig{}, job.Handle(nap(0)))
		w.settle(0)
		for _, id := range ids {
			if task := w.status(id, store.Completed); task.Attempt() != 1 {
				t.Errorf("task %d: attempt %d", id, task.Attempt())
			}
		}
	})
}

// A claim that is under way when the worker is told to stop is not lost: its tasks are run, or
// given back.
func TestClaimInFlightAtShutdown(t *testing.T) {
	inWorld(t, func(w *world) {
		h := w.schedule()
		entered, proceed := make(chan struct{}), make(chan struct{})
		held := false
		w.store.after = func(call string) error {
			if call == "ClaimDue" && !held {
				held = true
				close(entered)
				<-proceed
			}
			return nil
		}
		worker, err := firefly.NewWorker(w.store, firefly.WorkerConfig{Logger: quiet(), ShutdownGrace: -1}, job.Handle(block))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(w.Context())
		ended := make(chan error, 1)
		go func() { ended <- worker.InOwnProcess().Run(ctx) }()
		<-entered
		cancel()
		synctest.Wait()
		close(proceed)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if task := w.status(h.ID(), store.Created); task.Crashes != 0 {
			t.Errorf("given back with %d crashes", task.Crashes)
		}
	})
}

func TestRunOnlyOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		worker, err := firefly.NewWorker(w.store, firefly.WorkerConfig{Logger: quiet()}, job.Handle(block))
		if err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(w.Context())
		cancel()
		w.schedule()
		if err := worker.Run(ended); err != nil {
			t.Errorf("run with a context that has ended: %v", err)
		}
		if err := worker.Run(ended); err == nil {
			t.Error("a worker ran twice")
		}
		w.status(1, store.Created)
	})
}
