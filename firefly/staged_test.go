package firefly_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

var child = firefly.Declare[string, firefly.None]("child")

// children returns the stored tasks of the name child.
func (w *world) children() []store.Task {
	w.Helper()
	all, err := w.store.List(context.Background(), store.Filter{Names: []string{child.Name()}}, store.Page{Limit: 5000})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// A parent stages a child and writes another through its transaction, and then ends in some way.
func TestEffectsExistIfAndOnlyIfTheParentCompletes(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(ctx context.Context) error
		want store.Status
		kids int
	}{
		"completes": {func(context.Context) error { return nil }, store.Completed, 1},
		"fails":     {func(context.Context) error { return errors.New("boom") }, store.Failed, 0},
		"permanent": {func(context.Context) error { return firefly.Permanent(errors.New("boom")) }, store.Failed, 0},
		"panics":    {func(context.Context) error { panic("boom") }, store.Failed, 0},
		"exits":     {func(context.Context) error { runtime.Goexit(); return nil }, store.Failed, 0},
		"cancels":   {func(context.Context) error { return firefly.Cancel(nil) }, store.Cancelled, 0},
		"snoozes":   {func(context.Context) error { return firefly.Snooze(time.Hour) }, store.Created, 0},
		"times out": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, store.Failed, 0},
	} {
		for how, spawn := range spawners {
			t.Run(name+", "+how, func(t *testing.T) {
				inWorld(t, func(w *world) {
					parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, _ firefly.None) error {
						if err := spawn(ctx, w.client, "kid"); err != nil {
							return err
						}
						return test.end(ctx)
					}), firefly.Timeout(time.Minute))
					w.work(firefly.WorkerConfig{}, parent)
					h := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, firefly.None{}))
					w.settle(10 * time.Minute)
					w.status(h.ID(), test.want)
					if kids := w.children(); len(kids) != test.kids {
						t.Fatalf("%d children, want %d", len(kids), test.kids)
					}
				})
			})
		}
	}
}

// spawners are the ways in which a handler writes a child that is one with its completion.
var spawners = map[string]func(ctx context.Context, c *firefly.Client, kid string) error{
	"staged": func(ctx context.Context, c *firefly.Client, kid string) error {
		_, err := child.Schedule(ctx, c, kid)
		return err
	},
	"in its transaction": func(ctx context.Context, c *firefly.Client, kid string) error {
		tx, err := store.AttemptTx(ctx)
		if err != nil {
			return err
		}
		_, err = child.Schedule(ctx, c.In(tx), kid)
		return err
	},
}

func TestFailedHandlersTransactionIsRolledBack(t *testing.T) {
	inWorld(t, func(w *world) {
		rollbacks := 0
		w.store.before = func(call string) error {
			if call == "Rollback" {
				rollbacks++
			}
			return nil
		}
		w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
			_, err := store.AttemptTx(ctx)
			return firefly.None{}, errors.Join(err, firefly.Permanent(errors.New("boom")))
		}))
		h := w.schedule()
		w.settle(time.Second)
		w.status(h.ID(), store.Failed)
		if rollbacks != 1 {
			t.Errorf("%d transactions were rolled back", rollbacks)
		}
	})
}

func TestStagedHandles(t *testing.T) {
	inWorld(t, func(w *world) {
		var kid *firefly.Handle[firefly.None]
		var waitErr, cancelErr, badErr error
		parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, _ firefly.None) (err error) {
			_, badErr = child.Schedule(ctx, w.client, "bad", firefly.Priority(7))
			call := child.Call("kid")
			for range 2 { // a call stands for one task
				if err := w.client.ScheduleMany(ctx, call); err != nil {
					return err
				}
			}
			kid = call.Handle()
			_, waitErr = kid.Wait(ctx)
			cancelErr = kid.Cancel(ctx)
			if kid.ID() != 0 {
				return errors.New("the id is known before the commit")
			}
			return nil
		}))
		w.work(firefly.WorkerConfig{}, parent)
		if _, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, firefly.None{})).Wait(w.Context()); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(waitErr, firefly.ErrUncommitted) || !errors.Is(cancelErr, firefly.ErrUncommitted) {
			t.Errorf("in the handler Wait returned %v and Cancel %v", waitErr, cancelErr)
		}
		if !errors.Is(badErr, store.ErrInvalid) {
			t.Errorf("a bad child: %v", badErr)
		}
		if kids := w.children(); len(kids) != 1 || kids[0].ID != kid.ID() {
			t.Fatalf("children %v, the handle says %d", kids, kid.ID())
		}
	})
}

// A Call that a failed attempt staged is staged again by the next.
func TestCallIsStagedByEachAttempt(t *testing.T) {
	inWorld(t, func(w *world) {
		call := child.Call("kid")
		parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, _ firefly.None) error {
			if err := w.client.ScheduleMany(ctx, call); err != nil {
				return err
			}
			if info, _ := firefly.Attempt(ctx); info.Attempt < 3 {
				return errors.New("again")
			}
			return nil
		}), firefly.MaxRetries(5))
		w.work(firefly.WorkerConfig{}, parent)
		if _, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, firefly.None{})).Wait(w.Context()); err != nil {
			t.Fatal(err)
		}
		if kids := w.children(); len(kids) != 1 {
			t.Fatalf("%d children", len(kids))
		}
	})
}

func TestAttemptEndsWithItsHandler(t *testing.T) {
	inWorld(t, func(w *world) {
		leak := make(chan context.Context, 1)
		parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, _ firefly.None) error {
			leak <- ctx
			return nil
		}))
		w.work(firefly.WorkerConfig{}, parent)
		if _, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, firefly.None{})).Wait(w.Context()); err != nil {
			t.Fatal(err)
		}
		leaked := <-leak
		if _, err := child.Schedule(leaked, w.client, "late"); !errors.Is(err, store.ErrNoAttempt) {
			t.Errorf("a late Schedule: %v", err)
		}
		if _, err := store.AttemptTx(leaked); !errors.Is(err, store.ErrNoAttempt) {
			t.Errorf("a late AttemptTx: %v", err)
		}
		if _, err := store.AttemptTx(w.Context()); !errors.Is(err, store.ErrNoAttempt) {
			t.Errorf("AttemptTx outside: %v", err)
		}
	})
}

func TestOnlyTheSameStoreStages(t *testing.T) {
	inWorld(t, func(w *world) {
		elsewhere := memory.New()
		other := newClient(t, elsewhere)
		parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, _ firefly.None) error {
			if _, err := child.Schedule(ctx, other, "elsewhere"); err != nil {
				return err
			}
			if _, err := child.Schedule(ctx, w.client.In(w.store), "at once"); err != nil {
				return err
			}
			return errors.New("boom")
		}))
		w.work(firefly.WorkerConfig{}, parent)
		if _, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, firefly.None{})).Wait(w.Context()); err == nil {
			t.Fatal("the parent did not fail")
		}
		there, _ := elsewhere.List(w.Context(), store.Filter{}, store.Page{})
		if kids := w.children(); len(kids) != 1 || len(there) != 1 {
			t.Fatalf("%d children here, %d elsewhere; neither was staged", len(kids), len(there))
		}
	})
}

func TestTooManyChildren(t *testing.T) {
	inWorld(t, func(w *world) {
		parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, n int) error {
			calls := make([]firefly.AnyCall, n)
			for i := range calls {
				calls[i] = child.Call("kid")
			}
			return w.client.ScheduleMany(ctx, calls...)
		}))
		w.work(firefly.WorkerConfig{}, parent)
		if _, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, store.MaxTx-1)).Wait(w.Context()); err != nil {
			t.Errorf("as many as a transaction takes: %v", err)
		}
		_, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), w.client, store.MaxTx)).Wait(w.Context())
		if err == nil || !strings.Contains(err.Error(), store.ErrTxTooLarge.Error()) {
			t.Errorf("one more: %v", err)
		}
		if kids := w.children(); len(kids) != store.MaxTx-1 {
			t.Errorf("%d children", len(kids))
		}
	})
}

// noTx is a store whose WithTx is unsupported, and that can do no more than be read.
type noTx struct {
	store.Store
	store.Getter
}

func (s noTx) WithTx(context.Context, func(context.Context, store.Writer) error) error {
	return store.Unsupported(s, "WithTx")
}

func TestStagingWithoutTransactions(t *testing.T) {
	inWorld(t, func(w *world) {
		s := noTx{w.store, w.store}
		client := newClient(t, s)
		parent := firefly.Define("parent", firefly.NoResult(func(ctx context.Context, _ firefly.None) error {
			_, err := child.Schedule(ctx, client, "kid")
			return err
		}), firefly.MaxRetries(3))
		w.workOn(s, firefly.WorkerConfig{}, parent)
		_, err := scheduled[firefly.None](w)(parent.Schedule(w.Context(), client, firefly.None{})).Wait(w.Context())
		var failed *firefly.TaskError
		if !errors.As(err, &failed) || failed.Attempts != 1 || !strings.Contains(failed.Last, "client.In(client.Store())") {
			t.Fatalf("error %v, want one run and what to do", err)
		}
	})
}
