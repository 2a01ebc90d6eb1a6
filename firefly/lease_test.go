package firefly_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

const lease = 30 * time.Second // the default

// block is a handler that runs until its context ends, and returns why.
func block(ctx context.Context, _ firefly.None) (firefly.None, error) {
	<-ctx.Done()
	return firefly.None{}, context.Cause(ctx)
}

// nap is a handler that takes that long, if it is let.
func nap(d time.Duration) func(context.Context, firefly.None) (firefly.None, error) {
	return func(ctx context.Context, _ firefly.None) (firefly.None, error) {
		select {
		case <-time.After(d):
			return firefly.None{}, nil
		case <-ctx.Done():
			return firefly.None{}, context.Cause(ctx)
		}
	}
}

var job = firefly.Declare[firefly.None, firefly.None]("job")

// schedule schedules a job and returns its handle.
func (w *world) schedule(opts ...firefly.ScheduleOption) *firefly.Handle[firefly.None] {
	w.Helper()
	return scheduled[firefly.None](w)(job.Schedule(w.Context(), w.client, firefly.None{}, opts...))
}

// connection is the world's store through a connection that can be cut, and mended.
func (w *world) connection() (s *faulty, gone *atomic.Bool) {
	gone = new(atomic.Bool)
	return &faulty{Store: w.store.Store, before: func(string) error {
		if gone.Load() {
			return errCut
		}
		return nil
	}}, gone
}

func TestCutOffWorkerLosesItsTask(t *testing.T) {
	inWorld(t, func(w *world) {
		s, gone := w.connection()
		began := time.Now()
		var cause error
		var ended time.Duration
		w.workOn(s, firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
			gone.Store(true)
			<-ctx.Done()
			cause, ended = context.Cause(ctx), time.Since(began)
			return firefly.None{}, nil // a zombie: it says that it succeeded
		}))
		h := w.schedule()
		w.settle(time.Second)
		w.status(h.ID(), store.Running)

		w.work(firefly.WorkerConfig{}, job.Handle(nap(time.Minute)))
		w.settle(lease + 2*time.Second)
		if !errors.Is(cause, store.ErrLeaseLost) || ended > lease*9/10 {
			t.Errorf("the handler's context ended after %s because of %v", ended, cause)
		}
		if task := w.status(h.ID(), store.Running); task.Crashes != 1 || task.Attempt() != 2 {
			t.Errorf("taken back as %+v", task)
		}
		w.settle(time.Minute)
		w.status(h.ID(), store.Completed)
	})
}

func TestHeartbeatKeepsLongTasks(t *testing.T) {
	inWorld(t, func(w *world) {
		extends := 0
		w.store.before = func(call string) error {
			if call == "Extend" {
				extends++
			}
			return nil
		}
		w.work(firefly.WorkerConfig{}, job.Handle(nap(10*lease)))
		w.work(firefly.WorkerConfig{}, firefly.Define("other", nap(time.Second))) // looks for what is lost
		a := w.schedule()
		w.settle(time.Second)
		b := w.schedule()
		w.settle(11 * lease)
		for _, h := range []*firefly.Handle[firefly.None]{a, b} {
			if task := w.status(h.ID(), store.Completed); task.Crashes != 0 {
				t.Errorf("task %d crashed %d times", task.ID, task.Crashes)
			}
		}
		if extends > 32 {
			t.Errorf("%d extensions for two leases in ten lease times, want one each third", extends)
		}
	})
}

func TestFailedExtensionIsTriedAgain(t *testing.T) {
	for name, hook := range map[string]func(f *faulty){
		"request lost": func(f *faulty) { f.before = first(3, "Extend") },
		"reply lost":   func(f *faulty) { f.after = first(3, "Extend") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				hook(w.store)
				w.work(firefly.WorkerConfig{}, job.Handle(nap(5*lease)))
				h := w.schedule()
				w.settle(6 * lease)
				if task := w.status(h.ID(), store.Completed); task.Crashes != 0 {
					t.Errorf("task crashed %d times", task.Crashes)
				}
			})
		})
	}
}

func TestWithoutExtenderTheLeaseIsTheLimit(t *testing.T) {
	inWorld(t, func(w *world) {
		var cause error
		runs := 0
		w.workOn(sixMethods{w.store}, firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
			if runs++; runs > 1 {
				return firefly.None{}, nil
			}
			<-ctx.Done()
			cause = context.Cause(ctx)
			return firefly.None{}, cause
		}))
		h := w.schedule()
		w.settle(lease)
		if !errors.Is(cause, store.ErrLeaseLost) {
			t.Errorf("the context ended because of %v", cause)
		}
		w.settle(lease)
		if task := w.status(h.ID(), store.Completed); task.Crashes != 0 || task.Retries != 0 {
			t.Errorf("the release cost %d crashes, %d retries", task.Crashes, task.Retries)
		}
	})
}

func TestZombieChangesNothing(t *testing.T) {
	for how, spawn := range spawners {
		t.Run(how, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s, gone := w.connection()
				var outcome firefly.Outcome
				client := newClient(t, s)
				w.workOn(s, firefly.WorkerConfig{Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcome = e.Outcome }}},
					job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
						if err := spawn(ctx, client, "zombie's"); err != nil {
							return firefly.None{}, err
						}
						gone.Store(true)
						<-time.After(2 * lease) // ignores its context
						gone.Store(false)
						return firefly.None{}, nil
					}))
				h := w.schedule()
				w.settle(time.Second)
				w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					return firefly.None{}, spawn(ctx, w.client, "holder's")
				}))
				w.settle(3 * lease)
				w.status(h.ID(), store.Completed)
				if kids := w.children(); len(kids) != 1 || string(kids[0].Params) != `"holder's"` {
					t.Errorf("children are %+v", kids)
				}
				if outcome != firefly.Lost && outcome != firefly.Released {
					t.Errorf("the zombie ended as %q", outcome)
				}
			})
		})
	}
}

// A lease that the store calls lost, since somebody else has settled what it held, ends its handlers.
func TestLostLeaseEndsHandlers(t *testing.T) {
	inWorld(t, func(w *world) {
		var cause error
		w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return firefly.None{}, cause
		}))
		h := w.schedule()
		w.settle(time.Second)
		held := w.status(h.ID(), store.Running)
		if err := w.store.Store.Complete(w.Context(), []store.Completion{{ID: held.ID, Lease: held.Lease}}); err != nil {
			t.Fatal(err)
		}
		w.settle(lease / 2)
		if !errors.Is(cause, store.ErrLeaseLost) {
			t.Errorf("the handler's context ended by %v", cause)
		}
		w.status(h.ID(), store.Completed)
	})
}

func TestCancelRunning(t *testing.T) {
	for name, test := range map[string]struct {
		end  error
		hint bool
		want store.Status
	}{
		"heard at once":          {end: errors.New("gave up"), hint: true, want: store.Cancelled},
		"heard by the next beat": {end: errors.New("gave up"), want: store.Cancelled},
		"completes all the same": {hint: true, want: store.Completed},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var heard time.Duration
				var cause error
				var s store.Store = w.store
				if !test.hint {
					s = noWaiter{sixMethods{w.store}, w.store}
				}
				var asked time.Time
				w.workOn(s, firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					<-ctx.Done()
					heard, cause = time.Since(asked), context.Cause(ctx)
					return firefly.None{}, test.end
				}))
				h := w.schedule(firefly.MaxRetries(5))
				w.settle(time.Second)
				asked = time.Now()
				if err := h.Cancel(w.Context()); err != nil {
					t.Fatal(err)
				}
				w.settle(lease)
				w.status(h.ID(), test.want)
				if !errors.Is(cause, firefly.ErrCancelled) || heard > lease/3 || test.hint && heard > 0 {
					t.Errorf("the context ended %s after the call, because of %v", heard, cause)
				}
			})
		})
	}
}

// noWaiter has the six methods and Extend.
type noWaiter struct {
	sixMethods
	store.Extender
}
