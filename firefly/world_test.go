package firefly_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a store, a client of it, and the workers that a test starts.
type world struct {
	*testing.T
	store  *faulty
	client *firefly.Client
}

// inWorld runs a test in a bubble of fake time. All workers are stopped at its end.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		mem := memory.New()
		s := &faulty{Store: mem}
		t.Cleanup(func() { _ = mem.Close() })
		test(&world{T: t, store: s, client: newClient(t, s)})
	})
}

func newClient(t *testing.T, s store.Store) *firefly.Client {
	t.Helper()
	c, err := firefly.NewClient(s, firefly.ClientConfig{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// work starts a worker on the world's store, and returns a function that stops it and waits for
// its end; the test's end does so, too.
func (w *world) work(cfg firefly.WorkerConfig, handlers ...firefly.Handler) (stop func()) {
	w.Helper()
	return w.workOn(w.store, cfg, handlers...)
}

// workOn is work on another store. The worker has a quarantine of its own.
func (w *world) workOn(s store.Store, cfg firefly.WorkerConfig, handlers ...firefly.Handler) (stop func()) {
	w.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet()
	}
	worker, err := firefly.NewWorker(s, cfg, handlers...)
	if err != nil {
		w.Fatal(err)
	}
	worker.InOwnProcess()
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := worker.Run(ctx); err != nil {
			w.Errorf("worker: %v", err)
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	w.Cleanup(stop)
	return stop
}

// task reads a task that must be there.
func (w *world) task(id int64) store.Task {
	w.Helper()
	tasks, err := w.store.Get(context.Background(), []int64{id})
	if err != nil || len(tasks) != 1 {
		w.Fatalf("get of task %d: %d tasks, error %v", id, len(tasks), err)
	}
	return tasks[0]
}

// status fails the test unless the task has that status.
func (w *world) status(id int64, want store.Status) store.Task {
	w.Helper()
	task := w.task(id)
	if task.Status != want {
		w.Fatalf("task %d (%s) is %s, want %s; errors %v", id, task.Name, task.Status, want, task.Errors)
	}
	return task
}

// settle lets d of the fake time pass, and what is to happen in it happen.
func (w *world) settle(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A journal is what handlers note, in order.
type journal struct {
	mu    sync.Mutex
	notes []string
}

func (j *journal) addf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, fmt.Sprintf(format, args...))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.notes, ", ")
}

// scheduled ends the test if scheduling failed, else returns the handle.
func scheduled[R any](w *world) func(*firefly.Handle[R], error) *firefly.Handle[R] {
	return func(h *firefly.Handle[R], err error) *firefly.Handle[R] {
		w.Helper()
		if err != nil {
			w.Fatalf("schedule: %v", err)
		}
		return h
	}
}

// errCut is an error that says nothing about what the store did.
var errCut = errors.New("connection cut")

// A faulty store is a memory store whose connection can be cut, before a call or after it. Its
// hooks get the name of the method; "Commit" is a transaction's, of either kind.
type faulty struct {
	*memory.Store
	before func(call string) error // an error: the call was not made
	after  func(call string) error // an error: the call was made, and its reply lost
}

func cut[T any](f *faulty, call string, do func() (T, error)) (T, error) {
	var none T
	if f.before != nil {
		if err := f.before(call); err != nil {
			return none, err
		}
	}
	v, err := do()
	if f.after != nil {
		if lost := f.after(call); lost != nil {
			return none, lost
		}
	}
	return v, err
}

func cutErr(f *faulty, call string, do func() error) error {
	_, err := cut(f, call, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (f *faulty) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	return cut(f, "Insert", func() ([]store.Inserted, error) { return f.Store.Insert(ctx, tasks) })
}

func (f *faulty) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	return cut(f, "ClaimDue", func() ([]store.Task, error) { return f.Store.ClaimDue(ctx, c) })
}

func (f *faulty) Complete(ctx context.Context, done []store.Completion) error {
	return cutErr(f, "Complete", func() error { return f.Store.Complete(ctx, done) })
}

func (f *faulty) Fail(ctx context.Context, failed []store.Failure) error {
	return cutErr(f, "Fail", func() error { return f.Store.Fail(ctx, failed) })
}

func (f *faulty) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return cutErr(f, "Reschedule", func() error { return f.Store.Reschedule(ctx, again) })
}

func (f *faulty) Extend(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
	return cut(f, "Extend", func() ([]store.Extended, error) { return f.Store.Extend(ctx, d, ids) })
}

func (f *faulty) WithTx(ctx context.Context, fn func(context.Context, store.Writer) error) error {
	return cutErr(f, "Commit", func() error { return f.Store.WithTx(ctx, fn) })
}

func (f *faulty) CompleteParent(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
	return cut(f, "CompleteParent", func() ([]store.Inserted, error) { return f.Store.CompleteParent(ctx, done, children) })
}

func (f *faulty) Begin(ctx context.Context) (store.Tx, error) {
	tx, err := f.Store.Begin(ctx)
	return &faultyTx{tx, f}, err
}

type faultyTx struct {
	store.Tx
	store *faulty
}

func (t *faultyTx) Commit(ctx context.Context) error {
	return cutErr(t.store, "Commit", func() error { return t.Tx.Commit(ctx) })
}

func (t *faultyTx) Rollback(ctx context.Context) error {
	return cutErr(t.store, "Rollback", func() error { return t.Tx.Rollback(ctx) })
}

// first returns a hook that cuts the first n calls of that name.
func first(n int64, call string) func(string) error {
	var cut atomic.Int64
	return func(c string) error {
		if c != call || cut.Add(1) > n {
			return nil
		}
		return errCut
	}
}
