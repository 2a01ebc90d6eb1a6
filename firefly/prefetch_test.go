package firefly_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// running counts the tasks that leases hold.
func (w *world) running() (n int64) {
	w.Helper()
	all, err := w.store.Counts(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	for _, q := range all {
		n += q.Running
	}
	return n
}

// Slow tasks are not claimed ahead: another worker may have a free slot.
func TestSlowTasksAreNotHeld(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 100 {
			w.schedule()
		}
		for range 2 {
			w.work(firefly.WorkerConfig{Concurrency: 1}, job.Handle(nap(10*time.Second)))
		}
		for range 550 {
			w.settle(time.Second)
			if n := w.running(); n > 2 {
				t.Fatalf("two slots hold %d tasks", n)
			}
		}
		if counts, _ := w.store.Counts(w.Context()); counts[0].Completed != 100 {
			t.Errorf("counts %+v, want all completed in a little more than 500 seconds", counts)
		}
	})
}

// quickThenStuck is a handler of tasks that take no time, until one takes ten seconds.
func quickThenStuck(stuckAt int64) (handler func(context.Context, firefly.None) (firefly.None, error), stuck chan struct{}) {
	var ran atomic.Int64
	stuck = make(chan struct{})
	return func(context.Context, firefly.None) (firefly.None, error) {
		if ran.Add(1) == stuckAt {
			close(stuck)
			<-time.After(10 * time.Second)
		}
		return firefly.None{}, nil
	}, stuck
}

// What was claimed ahead does not wait behind a task that takes long after all.
func TestStaleBufferIsReleased(t *testing.T) {
	for name, pause := range map[string]bool{"stuck": false, "paused": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				for range 500 {
					w.schedule()
				}
				handler, stuck := quickThenStuck(100)
				w.work(firefly.WorkerConfig{Concurrency: 1}, job.Handle(handler))
				<-stuck
				w.settle(0)
				ahead := w.running()
				if ahead < 10 {
					t.Fatalf("%d tasks are held, want some ahead", ahead)
				}
				if pause {
					if err := w.store.Pause(w.Context(), []string{"default"}); err != nil {
						t.Fatal(err)
					}
				}
				w.settle(1100 * time.Millisecond)
				if n := w.running(); n != 1 {
					t.Errorf("%d tasks are held after a second, want that which runs", n)
				}
				for _, task := range w.created() {
					if task.Crashes+task.Retries > 0 {
						t.Fatalf("released at a cost: %+v", task)
					}
				}
			})
		})
	}
}

func (w *world) created() []store.Task {
	w.Helper()
	all, err := w.store.List(context.Background(), store.Filter{Statuses: []store.Status{store.Created}}, store.Page{Limit: math.MaxInt32})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func TestUrgentTaskOvertakesTheBuffer(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 2000 {
			w.schedule()
		}
		urgent := firefly.Declare[firefly.None, firefly.None]("urgent", firefly.Priority(2))
		var ran, since atomic.Int64
		w.work(firefly.WorkerConfig{Concurrency: 1},
			job.Handle(func(context.Context, firefly.None) (firefly.None, error) {
				<-time.After(time.Millisecond)
				ran.Add(1)
				return firefly.None{}, nil
			}),
			urgent.Handle(func(context.Context, firefly.None) (firefly.None, error) {
				since.Store(ran.Load())
				return firefly.None{}, nil
			}))
		w.settle(500 * time.Millisecond)
		before := ran.Load()
		h := scheduled[firefly.None](w)(urgent.Schedule(w.Context(), w.client, firefly.None{}))
		if _, err := h.Wait(w.Context()); err != nil {
			t.Fatal(err)
		}
		if overtaken := since.Load() - before; overtaken > 60 {
			t.Errorf("%d tasks ran before the urgent one", overtaken)
		}
	})
}

func TestOrderIsKeptAtConcurrencyOne(t *testing.T) {
	inWorld(t, func(w *world) {
		var order journal
		numbered := firefly.Define("numbered", func(_ context.Context, n int) (firefly.None, error) {
			order.addf("%d", n)
			return firefly.None{}, nil
		})
		var want journal
		calls := make([]firefly.AnyCall, 3000)
		for i := range calls {
			calls[i] = numbered.Call(i)
			want.addf("%d", i)
		}
		if err := w.client.ScheduleMany(w.Context(), calls...); err != nil {
			t.Fatal(err)
		}
		w.work(firefly.WorkerConfig{Concurrency: 1}, numbered)
		w.settle(10 * time.Second)
		if order.String() != want.String() {
			t.Error("tasks ran in another order than they were scheduled in")
		}
	})
}
