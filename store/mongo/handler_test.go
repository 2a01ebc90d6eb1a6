package mongo_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// work runs a worker until the test ends.
func (s *shop) work(config firefly.WorkerConfig, handlers ...firefly.Handler) {
	s.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	w, err := firefly.NewWorker(s.store, config, handlers...)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	})
}

// run schedules a bill, and returns the task when it has ended.
func (s *shop) run() store.Task {
	s.Helper()
	h, err := bill.Schedule(s.Context(), s.client, "order")
	if err != nil {
		s.Fatal(err)
	}
	return s.waitFor(h)
}

func (s *shop) waitFor(h *firefly.Handle[string]) store.Task {
	s.Helper()
	_, err := h.Wait(within(s))
	var failed *firefly.TaskError
	if err != nil && !errors.As(err, &failed) {
		s.Fatal(err)
	}
	return task(s, s.view.store, h.ID())
}

var bill = firefly.Declare[string, string]("shop.bill")

// bills handles bills: it writes a note in its transaction and schedules a child, and goes on as it is told.
func (s *shop) bills(then func(in context.Context) error) firefly.Handler {
	return bill.Handle(func(ctx context.Context, note string) (string, error) {
		in, err := mongo.Session(ctx)
		if err == nil {
			err = s.write(in, note)
		}
		if err == nil {
			_, err = ship.Schedule(ctx, s.client, note)
		}
		if err == nil {
			err = then(in)
		}
		return note, err
	})
}

// A handler's writes, its completion and its child are one transaction; a run that ends in any other way
// leaves nothing. A handler that ends the transaction itself keeps what it has committed by that, and
// nothing else: its task is not completed, and says why.
func TestHandlerTransaction(t *testing.T) {
	for how, test := range map[string]struct {
		end    func(s *shop, in context.Context) error
		failed string // what the task tells, if it fails
		notes  int64
	}{
		"nil":       {func(*shop, context.Context) error { return nil }, "", 1},
		"an error":  {func(*shop, context.Context) error { return errors.New("no") }, "no", 0},
		"a panic":   {func(*shop, context.Context) error { panic("no") }, "panic: no", 0},
		"a timeout": {func(_ *shop, in context.Context) error { <-in.Done(); return in.Err() }, firefly.ErrTimeout.Error(), 0},
		"a commit": {func(_ *shop, in context.Context) error {
			return driver.SessionFromContext(in).CommitTransaction(in)
		}, mongo.ErrHandlerTx.Error(), 1},
		"an abort": {func(_ *shop, in context.Context) error {
			return driver.SessionFromContext(in).AbortTransaction(in)
		}, mongo.ErrHandlerTx.Error(), 0},
	} {
		t.Run(how, func(t *testing.T) {
			s := newShop(t)
			s.work(firefly.WorkerConfig{}, s.bills(func(in context.Context) error {
				return errors.Join(s.change(in, nothing), test.end(s, in))
			}))
			h, err := bill.Schedule(t.Context(), s.client, "order", firefly.Timeout(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			got := s.waitFor(h)
			if test.failed == "" {
				if got.Status != store.Completed || string(got.Returned) != `"order"` {
					t.Errorf("the task is %s with the errors %v, and returned %s", got.Status, got.Errors, got.Returned)
				}
				s.expect(test.notes, test.notes, ship, 1)
				return
			}
			if got.Status != store.Failed || !strings.Contains(got.Errors[0].Text, test.failed) {
				t.Errorf("the task is %s with the errors %v, want that it failed with %q", got.Status, got.Errors, test.failed)
			}
			s.expect(test.notes, test.notes, ship, 0)
		})
	}
}

// A handler that meets a concurrent writer is run again at no cost, whether it returns the driver's
// error or takes no notice of it, and in the end has happened once.
func TestHandlerConflict(t *testing.T) {
	for how, end := range map[string]func(error) error{
		"returned": func(err error) error { return err },
		"ignored":  func(error) error { return nil },
	} {
		t.Run(how, func(t *testing.T) {
			s := newShop(t)
			var runs atomic.Int64
			s.work(firefly.WorkerConfig{}, s.bills(func(in context.Context) error {
				return end(s.change(in, func() error {
					if runs.Add(1) > 1 {
						return nil
					}
					return s.change(t.Context(), nothing)
				}))
			}))
			got := s.run()
			if got.Status != store.Completed || runs.Load() != 2 || got.Retries != 0 || len(got.Errors) != 0 {
				t.Errorf("the task is %s after %d runs and %d retries, errors %v", got.Status, runs.Load(), got.Retries, got.Errors)
			}
			s.expect(1, 2, ship, 1)
		})
	}
}

// Of two runs of a task, the first of which goes on past its lease, one leaves an effect.
func TestTwoRunsOneEffect(t *testing.T) {
	var offset, runs atomic.Int64
	s := newShop(t, mongo.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
	begun, over := make(chan struct{}), make(chan struct{})
	handler := s.bills(func(context.Context) error {
		if runs.Add(1) == 1 {
			close(begun)
			<-over
		}
		return nil
	})
	outcomes := make(chan firefly.Outcome, 10)
	config := firefly.WorkerConfig{
		Concurrency: 1, PollInterval: 20 * time.Millisecond,
		Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcomes <- e.Outcome }},
	}
	h, err := bill.Schedule(t.Context(), s.client, "order")
	if err != nil {
		t.Fatal(err)
	}
	s.work(config, handler)
	<-begun
	s.work(config, handler)
	offset.Store(int64(time.Hour)) // the first one's lease has ended
	got := s.waitFor(h)
	if outcome := <-outcomes; got.Status != store.Completed || got.Crashes != 1 || outcome != firefly.Completed {
		t.Errorf("the task is %s after %d crashes, and the second run ended as %s", got.Status, got.Crashes, outcome)
	}
	close(over)
	if outcome := <-outcomes; outcome != firefly.Lost {
		t.Errorf("the first run ended as %s", outcome)
	}
	s.expect(1, 0, ship, 1)
	storefaults.ExpectCounts(t, s.store, store.QueueCounts{Queue: "default", Created: 1, Completed: 1})
}

// Session is for the runs of this store's tasks, and for as long as they last.
func TestSessionOutsideARun(t *testing.T) {
	s := newShop(t)
	left := make(chan context.Context, 1)
	s.work(firefly.WorkerConfig{}, s.bills(func(in context.Context) error { left <- in; return nil }))
	if got := s.run(); got.Status != store.Completed {
		t.Fatalf("the task is %s, errors %v", got.Status, got.Errors)
	}
	over := <-left
	elsewhere := store.NewAttempt(t.Context(), memory.New(), store.NewLeaseID(), time.Minute)
	for name, ctx := range map[string]context.Context{"outside": t.Context(), "after the run": over, "another store's": elsewhere.Context()} {
		if in, err := mongo.Session(ctx); in != nil || !errors.Is(err, store.ErrNoAttempt) {
			t.Errorf("%s: context %v, error %v, want that there is no run", name, in, err)
		}
	}
	if err := s.write(over, "late"); err == nil {
		t.Error("the session can be used after the run")
	}
	s.expect(1, 0, ship, 1)
}
