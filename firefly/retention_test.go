package firefly_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// round is the longest time between two looks for what is to be deleted.
const round = 90 * time.Second

// A deleting store passes calls of Delete on through a function.
type deleting struct {
	*faulty
	delete func(next func(context.Context) ([]int64, error), ctx context.Context, f store.Filter) ([]int64, error)
}

func (d deleting) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	next := func(ctx context.Context) ([]int64, error) { return d.faulty.Delete(ctx, f, limit) }
	return d.delete(next, ctx, f)
}

// finish stores n tasks that end with that status at once, and returns their ids.
func (w *world) finish(n int, queue string, status store.Status) []int64 {
	w.Helper()
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = store.NewTask{Name: "old", Queue: queue, Encoding: "json"}
	}
	if _, err := w.store.Insert(w.Context(), tasks); err != nil {
		w.Fatal(err)
	}
	c := store.Claim{Queues: []string{queue}, Names: []string{"old"}, Limit: n, Lease: store.NewLeaseID(), For: time.Minute}
	claimed, err := w.store.ClaimDue(w.Context(), c)
	if err != nil || len(claimed) != n {
		w.Fatalf("claimed %d of %d tasks, error %v", len(claimed), n, err)
	}
	done, failed, ids := make([]store.Completion, n), make([]store.Failure, n), make([]int64, n)
	for i, t := range claimed {
		ids[i] = t.ID
		done[i] = store.Completion{ID: t.ID, Lease: c.Lease}
		failed[i] = store.Failure{ID: t.ID, Lease: c.Lease, Cancelled: status == store.Cancelled}
	}
	if status == store.Completed {
		err = w.store.Complete(w.Context(), done)
	} else {
		err = w.store.Fail(w.Context(), failed)
	}
	if err != nil {
		w.Fatal(err)
	}
	return ids
}

// left returns how many of the tasks are there.
func (w *world) left(ids []int64) int {
	w.Helper()
	tasks, err := w.store.Get(context.Background(), ids)
	if err != nil {
		w.Fatal(err)
	}
	return len(tasks)
}

func TestRetentionByStatusAndQueue(t *testing.T) {
	inWorld(t, func(w *world) {
		notes := &journal{}
		var log bytes.Buffer
		w.work(firefly.WorkerConfig{
			Name: "w", Queues: []string{"a", "b"},
			Retention: firefly.Retention{Completed: 10 * time.Minute, Failed: time.Hour},
			Logger:    slog.New(slog.NewTextHandler(&log, nil)),
			Hooks:     firefly.Hooks{Deleted: func(status store.Status, tasks int) { notes.addf("%d %s", tasks, status) }},
		}, job.Handle(nothing))
		completed, failed, cancelled := w.finish(3, "a", store.Completed), w.finish(2, "b", store.Failed), w.finish(1, "a", store.Cancelled)
		foreign := w.finish(1, "c", store.Completed)
		expect := func(when string, ofCompleted, ofFailed int) {
			t.Helper()
			got := fmt.Sprint(w.left(completed), w.left(failed), w.left(cancelled), w.left(foreign))
			if want := fmt.Sprint(ofCompleted, ofFailed, 1, 1); got != want {
				t.Errorf("%s there are %s tasks left, want %s", when, got, want)
			}
		}
		w.settle(10*time.Minute - time.Nanosecond)
		expect("just before the first retention is over,", 3, 2)
		w.settle(round)
		expect("after it,", 0, 2)
		w.settle(50*time.Minute - round)
		expect("just before the second is over,", 0, 2)
		w.settle(round)
		expect("after it,", 0, 0)
		w.settle(3 * time.Hour)
		expect("later,", 0, 0)
		if got := notes.String(); got != "3 completed, 2 failed" {
			t.Errorf("the hook was told of %s", got)
		}
		for _, want := range []string{"worker=w queue=a status=completed tasks=3 retention=10m0s", "worker=w queue=b status=failed tasks=2 retention=1h0m0s"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %q in the log:\n%s", want, log.String())
			}
		}
	})
}

func nothing(context.Context, firefly.None) (firefly.None, error) { return firefly.None{}, nil }

func TestRetentionIsTheStoresByDefault(t *testing.T) {
	inWorld(t, func(w *world) {
		s := deleting{w.store, func(func(context.Context) ([]int64, error), context.Context, store.Filter) ([]int64, error) {
			t.Error("the worker deletes")
			return nil, nil
		}}
		w.workOn(s, firefly.WorkerConfig{}, job.Handle(nothing))
		old := w.finish(1, "default", store.Completed)
		w.settle(23 * time.Hour)
		if w.left(old) != 1 {
			t.Error("the task is gone")
		}
	})
}

func TestRetentionThatCannotBeKept(t *testing.T) {
	const least, less = 10 * time.Minute, 10*time.Minute - time.Nanosecond
	inWorld(t, func(w *world) {
		for name, test := range map[string]struct {
			retention firefly.Retention
			store     store.Store
			want      []string
		}{
			"none":              {firefly.Retention{}, struct{ store.Store }{w.store}, nil},
			"the least":         {firefly.Retention{Completed: least, Failed: least, Cancelled: least}, w.store, nil},
			"less":              {firefly.Retention{Completed: less}, w.store, []string{"retention of completed tasks for 9m59.999999999s is shorter than 10m0s"}},
			"less, twice":       {firefly.Retention{Failed: time.Second, Cancelled: time.Second}, w.store, []string{"failed tasks for 1s", "cancelled tasks for 1s"}},
			"negative":          {firefly.Retention{Failed: -time.Hour}, w.store, []string{"retention of failed tasks for -1h0m0s"}},
			"without a Deleter": {firefly.Retention{Failed: least}, struct{ store.Store }{w.store}, []string{"does not support Deleter"}},
			"without a store":   {firefly.Retention{Failed: least}, nil, []string{"the store is nil"}},
		} {
			_, err := firefly.NewWorker(test.store, firefly.WorkerConfig{Retention: test.retention}, job.Handle(nothing))
			if (err == nil) != (test.want == nil) || err != nil && !errors.Is(err, store.ErrInvalid) {
				t.Errorf("%s: error %v", name, err)
			}
			for _, want := range test.want {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %q does not say %q", name, err, want)
				}
			}
		}
	})
}

func TestRetentionOfManyTasksIsInBatches(t *testing.T) {
	inWorld(t, func(w *world) {
		old := w.finish(2500, "default", store.Completed)
		w.settle(time.Hour)
		notes := &journal{}
		w.work(firefly.WorkerConfig{
			Retention: firefly.Retention{Completed: time.Hour},
			Hooks:     firefly.Hooks{Deleted: func(_ store.Status, tasks int) { notes.addf("%d", tasks) }},
		}, job.Handle(nothing))
		w.settle(round + time.Second)
		if got, left := notes.String(), w.left(old); got != "1000, 1000, 500" || left != 0 {
			t.Errorf("deleted %s, and %d are left", got, left)
		}
	})
}

func TestRetentionGoesOnAfterTrouble(t *testing.T) {
	inWorld(t, func(w *world) {
		failed, cancelled := w.finish(2, "default", store.Failed), w.finish(1, "default", store.Cancelled)
		var mended atomic.Bool
		s := deleting{w.store, func(next func(context.Context) ([]int64, error), ctx context.Context, f store.Filter) ([]int64, error) {
			if !mended.Load() && f.Statuses[0] == store.Failed {
				return nil, errCut
			}
			return next(ctx)
		}}
		var troubles atomic.Int64
		w.workOn(s, firefly.WorkerConfig{
			Retention: firefly.Retention{Failed: time.Hour, Cancelled: time.Hour},
			Hooks: firefly.Hooks{Trouble: func(doing string, err error) {
				troubles.Add(1)
				if doing != "delete old tasks" || !errors.Is(err, errCut) {
					t.Errorf("trouble with %s: %v", doing, err)
				}
			}},
		}, job.Handle(nothing))
		h := w.schedule()
		w.settle(time.Hour + round)
		w.status(h.ID(), store.Completed)
		if w.left(failed) != 2 || w.left(cancelled) != 0 || troubles.Load() == 0 {
			t.Errorf("%d failed and %d cancelled are left after %d troubles", w.left(failed), w.left(cancelled), troubles.Load())
		}
		mended.Store(true)
		w.settle(round)
		if w.left(failed) != 0 {
			t.Errorf("%d failed are left", w.left(failed))
		}
	})
}

func TestRetentionEndsWithTheWorker(t *testing.T) {
	for name, test := range map[string]struct {
		before, in bool // the stop comes before the first look, or in the middle of a batch
		want       string
	}{
		"before the first look": {before: true},
		"in a batch":            {in: true, want: "1000"},
		"between two batches":   {want: "1000"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				old := w.finish(2500, "default", store.Completed)
				w.settle(time.Hour)
				began, deleted := make(chan struct{}, 3), &journal{}
				s := deleting{w.store, func(next func(context.Context) ([]int64, error), ctx context.Context, _ store.Filter) ([]int64, error) {
					began <- struct{}{}
					if test.in {
						<-time.After(5 * time.Second)
					}
					return next(ctx)
				}}
				stop := w.workOn(s, firefly.WorkerConfig{
					Retention: firefly.Retention{Completed: time.Hour},
					Hooks:     firefly.Hooks{Deleted: func(_ store.Status, tasks int) { deleted.addf("%d", tasks) }},
				}, job.Handle(nothing))
				if !test.before {
					<-began
					w.settle(time.Millisecond)
				}
				stop()
				left := 2500
				if test.want != "" {
					left = 1500
				}
				w.settle(time.Hour)
				if got := deleted.String(); got != test.want || w.left(old) != left {
					t.Errorf("deleted %q, want %q; %d are left", got, test.want, w.left(old))
				}
			})
		})
	}
}

func TestRetentionEndsWithAClosedStore(t *testing.T) {
	inWorld(t, func(w *world) {
		worker, err := firefly.NewWorker(w.store, firefly.WorkerConfig{
			Retention: firefly.Retention{Failed: time.Hour}, Logger: quiet(),
		}, job.Handle(nothing))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- worker.Run(w.Context()) }()
		w.settle(time.Minute)
		_ = w.store.Close()
		if err := <-ended; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Run returned %v", err)
		}
	})
}
