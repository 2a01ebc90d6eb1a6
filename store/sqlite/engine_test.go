package sqlite_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// Handlers that misuse the file's only write lock fail with a reason that says so, and hold
// nobody up.
func TestHandlersThatMisuseTheLock(t *testing.T) {
	s := doors["Open"](t, filepath.Join(t.TempDir(), "tasks.db"))
	defer closeStore(t, s)
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	quick := firefly.Define("quick", func(context.Context, firefly.None) (firefly.None, error) { return firefly.None{}, nil })
	slow := firefly.Define("slow", func(ctx context.Context, _ firefly.None) (firefly.None, error) {
		if _, err := sqlite.Tx(ctx); err != nil {
			return firefly.None{}, err
		}
		<-time.After(400 * time.Millisecond) // a third of the lease is 200
		return firefly.None{}, nil
	})
	beside := firefly.Define("beside", func(ctx context.Context, _ firefly.None) (firefly.None, error) {
		if _, err := sqlite.Tx(ctx); err != nil {
			return firefly.None{}, err
		}
		_, err := quick.Schedule(ctx, client.In(s), firefly.None{})
		return firefly.None{}, err
	})
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{
		Lease: 600 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}, quick, slow, beside)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- worker.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for want, task := range map[error]firefly.Task[firefly.None, firefly.None]{
		sqlite.ErrTxTooLong: slow.Task, sqlite.ErrBesideTx: beside.Task,
	} {
		h, err := task.Schedule(t.Context(), client, firefly.None{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Wait(t.Context())
		var failed *firefly.TaskError
		if !errors.As(err, &failed) || failed.Status != store.Failed || !strings.Contains(failed.Last, want.Error()) {
			t.Errorf("task %s ended with %v, want %v", task.Name(), err, want)
		}
	}
	h, err := quick.Schedule(t.Context(), client, firefly.None{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Wait(t.Context()); err != nil {
		t.Errorf("a task after those: %v", err)
	}
}

// A hundred handlers with transactions share the one lock, and no lease is lost meanwhile.
func TestManyHandlersWithTransactions(t *testing.T) {
	s := doors["Open"](t, filepath.Join(t.TempDir(), "tasks.db"))
	defer closeStore(t, s)
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	task := firefly.Define("task", func(ctx context.Context, n int) (int, error) {
		tx, err := sqlite.Tx(ctx)
		if err != nil {
			return 0, err
		}
		var one int
		err = tx.QueryRowContext(ctx, "SELECT 1").Scan(&one)
		return n + one, err
	})
	calls := make([]*firefly.Call[int], 100)
	for i := range calls {
		calls[i] = task.Call(i)
		if err := client.ScheduleMany(t.Context(), calls[i]); err != nil {
			t.Fatal(err)
		}
	}
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{Lease: 10 * time.Second, Logger: slog.New(slog.DiscardHandler)}, task)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- worker.Run(ctx) }()
	for i, call := range calls {
		got, err := call.Handle().Wait(t.Context())
		if err != nil || got != i+1 {
			t.Errorf("task %d: %d, error %v", i, got, err)
		}
		if entity, err := call.Handle().Task(t.Context()); err != nil || entity.Crashes != 0 {
			t.Errorf("task %d crashed %d times, error %v", i, entity.Crashes, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
