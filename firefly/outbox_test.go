package firefly_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// outbox is the world's store without its transactions.
type outbox struct {
	noTx
	store.Extender
	store.ParentCompleter
}

// inOutbox is inWorld on a store that has no transactions, but completes a parent with its children.
// The test's client and its workers are to use that store.
func inOutbox(t *testing.T, test func(w *world, s outbox)) {
	t.Helper()
	inWorld(t, func(w *world) {
		s := outbox{noTx{w.store, w.store}, w.store, w.store}
		w.client = newClient(t, s)
		test(w, s)
	})
}

// parents returns a handler of job that stages children, counts its runs, and ends in some way.
func parents(c *firefly.Client, runs *int, children int, end func(ctx context.Context) error) firefly.Handler {
	return job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
		*runs++
		for range children {
			if _, err := child.Schedule(ctx, c, "kid"); err != nil {
				return firefly.None{}, err
			}
		}
		return firefly.None{}, end(ctx)
	})
}

func ends(err error) func(context.Context) error { return func(context.Context) error { return err } }

// The handle learns the child's id, and the child runs.
func TestOutboxCompletesParentWithItsChild(t *testing.T) {
	inOutbox(t, func(w *world, s outbox) {
		var kid *firefly.Handle[firefly.None]
		var before int64
		var ran journal
		w.workOn(s, firefly.WorkerConfig{},
			job.Handle(func(ctx context.Context, _ firefly.None) (_ firefly.None, err error) {
				kid, err = child.Schedule(ctx, w.client, "kid")
				before = kid.ID()
				return firefly.None{}, err
			}),
			child.Handle(func(_ context.Context, name string) (firefly.None, error) {
				ran.addf("%s", name)
				return firefly.None{}, nil
			}))
		h := w.schedule()
		w.settle(10 * time.Second)
		w.status(h.ID(), store.Completed)
		kids := w.children()
		if before != 0 || len(kids) != 1 || kids[0].ID != kid.ID() || kid.Existing() || ran.String() != "kid" {
			t.Errorf("the handle said %d, then %d; stored are %v; run were %q", before, kid.ID(), kids, ran.String())
		}
	})
}

// A call whose outcome is unknown is found out, both when it did happen and when it did not, and
// never made again.
func TestOutboxInDoubt(t *testing.T) {
	for _, side := range []string{"before", "after"} {
		for _, release := range []string{"", "before", "after"} {
			t.Run(fmt.Sprintf("cut %s, release cut %s", side, release), func(t *testing.T) {
				inOutbox(t, func(w *world, s outbox) {
					cutParent, cutRelease := first(1, "CompleteParent"), first(2, "Reschedule")
					calls := 0
					hook := func(which string) func(string) error {
						return func(call string) error {
							if which == "before" && call == "CompleteParent" {
								calls++
							}
							if which == side {
								if err := cutParent(call); err != nil {
									return err
								}
							}
							if which == release {
								return cutRelease(call)
							}
							return nil
						}
					}
					w.store.before, w.store.after = hook("before"), hook("after")
					runs := 0
					var outcomes journal
					w.workOn(s, firefly.WorkerConfig{
						Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcomes.addf("%s", e.Outcome) }},
					}, parents(w.client, &runs, 1, ends(nil)))
					h := w.schedule()
					w.settle(20 * time.Second)
					task := w.status(h.ID(), store.Completed)
					if task.Retries != 0 || task.Crashes != 0 || len(w.children()) != 1 {
						t.Errorf("%d retries, %d crashes, %d children", task.Retries, task.Crashes, len(w.children()))
					}
					want := []string{"unknown"} // the release was refused: it had happened
					if side == "before" {
						want = []string{"completed", "released"} // it had not: run again, at no cost
						if release == "after" {
							want[1] = "unknown" // the release's own reply was lost
						}
					}
					slices.Sort(outcomes.notes)
					if !slices.Equal(outcomes.notes, want) || runs != len(want) || calls != len(want) {
						t.Errorf("%d runs and %d calls, which ended as %q, want %q", runs, calls, outcomes.notes, want)
					}
				})
			})
		}
	}
}

// The parent's worker is cut off with its child staged, and another runs the parent again.
func TestOutboxCrashBeforeCompletion(t *testing.T) {
	inOutbox(t, func(w *world, s outbox) {
		runs := 0
		other, gone := w.connection()
		doomed := outbox{noTx{other, other}, other, other}
		w.workOn(doomed, firefly.WorkerConfig{}, parents(newClient(t, doomed), &runs, 1, func(context.Context) error {
			gone.Store(true)
			return nil
		}))
		h := w.schedule()
		w.settle(time.Second)
		w.status(h.ID(), store.Running)

		w.workOn(s, firefly.WorkerConfig{}, parents(w.client, &runs, 1, ends(nil)))
		w.settle(2 * time.Minute)
		if task := w.status(h.ID(), store.Completed); task.Crashes != 1 || runs != 2 || len(w.children()) != 1 {
			t.Errorf("%d crashes, %d runs, %d children", task.Crashes, runs, len(w.children()))
		}
	})
}

// A worker that was away for longer than its lease completes nothing, and leaves no child.
func TestOutboxLostLease(t *testing.T) {
	inOutbox(t, func(w *world, s outbox) {
		var outcomes journal
		runs := 0
		stalled := make(chan struct{})
		w.workOn(s, firefly.WorkerConfig{
			Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcomes.addf("%s", e.Outcome) }},
		}, parents(w.client, &runs, 1, func(context.Context) error {
			<-stalled
			return nil
		}))
		h := w.schedule()
		w.settle(time.Second)
		task := w.task(h.ID())
		taken := store.Rescheduling{ID: task.ID, Lease: task.Lease, Kind: store.Snooze, After: time.Hour}
		if err := w.store.Store.Reschedule(t.Context(), []store.Rescheduling{taken}); err != nil {
			t.Fatal(err)
		}
		close(stalled)
		w.settle(time.Second)
		w.status(h.ID(), store.Created)
		if kids := w.children(); len(kids) != 0 || outcomes.String() != "lost" {
			t.Errorf("%d children of a run that ended as %s", len(kids), outcomes.String())
		}
	})
}

func TestOutboxHandlersError(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(ctx context.Context) error
		want store.Status
	}{
		"fails":   {ends(errors.New("boom")), store.Failed},
		"panics":  {func(context.Context) error { panic("boom") }, store.Failed},
		"cancels": {ends(firefly.Cancel(nil)), store.Cancelled},
		"snoozes": {ends(firefly.Snooze(time.Hour)), store.Created},
	} {
		t.Run(name, func(t *testing.T) {
			inOutbox(t, func(w *world, s outbox) {
				runs := 0
				w.workOn(s, firefly.WorkerConfig{}, parents(w.client, &runs, 1, test.end))
				h := w.schedule()
				w.settle(time.Minute)
				w.status(h.ID(), test.want)
				if kids := w.children(); len(kids) != 0 {
					t.Errorf("%d children", len(kids))
				}
			})
		})
	}
}

func TestOutboxTooManyChildren(t *testing.T) {
	for children, want := range map[int]store.Status{store.MaxTx - 1: store.Completed, store.MaxTx: store.Failed} {
		t.Run(fmt.Sprintf("%d children", children), func(t *testing.T) {
			inOutbox(t, func(w *world, s outbox) {
				runs := 0
				w.workOn(s, firefly.WorkerConfig{}, parents(w.client, &runs, children, ends(nil)))
				h := w.schedule()
				w.settle(time.Minute)
				task := w.status(h.ID(), want)
				stored := len(w.children())
				switch {
				case want == store.Completed && stored != children:
					t.Errorf("%d children, want %d", stored, children)
				case want == store.Failed && (stored != 0 || !strings.Contains(task.Errors[0].Text, store.ErrTxTooLarge.Error())):
					t.Errorf("%d children, errors %v", stored, task.Errors)
				}
			})
		})
	}
}

// What the store refuses for certain changes nothing: the run counts, or not, as it does for a
// transaction.
func TestOutboxRefused(t *testing.T) {
	for name, test := range map[string]struct {
		refusal error
		retries int
	}{
		"for good":           {store.ErrTxTooLarge, 1},
		"for a moment":       {store.ErrUnavailable, 0},
		"for another's sake": {store.ErrConflict, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inOutbox(t, func(w *world, s outbox) {
				refuse := first(1, "CompleteParent")
				w.store.before = func(call string) error {
					if refuse(call) != nil {
						return test.refusal
					}
					return nil
				}
				runs := 0
				w.workOn(s, firefly.WorkerConfig{}, parents(w.client, &runs, 1, ends(nil)))
				h := w.schedule(firefly.MaxRetries(1), firefly.RetryDelay(time.Second))
				w.settle(time.Minute)
				task := w.status(h.ID(), store.Completed)
				if task.Retries != test.retries || task.Crashes != 0 || runs != 2 || len(w.children()) != 1 {
					t.Errorf("%d retries, %d crashes, %d runs, %d children", task.Retries, task.Crashes, runs, len(w.children()))
				}
			})
		})
	}
}

// A handler that asks for a transaction does not get by with a run that only looks complete.
func TestOutboxIsNoTransaction(t *testing.T) {
	for name, offer := range map[string]func(outbox) store.Store{
		"found out at the commit": func(s outbox) store.Store { return s },
		"said at once":            func(s outbox) store.Store { return beginless{s} },
	} {
		t.Run(name, func(t *testing.T) {
			inOutbox(t, func(w *world, s outbox) {
				w.client = newClient(t, offer(s))
				var begun error
				w.workOn(offer(s), firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					_, begun = store.AttemptTx(ctx)
					return firefly.None{}, errors.Join(begun, spawners["staged"](ctx, w.client, "kid"))
				}))
				h := w.schedule()
				w.settle(time.Minute)
				task := w.status(h.ID(), store.Failed)
				if len(w.children()) != 0 || !strings.Contains(task.Errors[0].Text, "does not support") {
					t.Errorf("%d children, errors %v", len(w.children()), task.Errors)
				}
				if early := errors.Is(begun, errors.ErrUnsupported); early != (name == "said at once") {
					t.Errorf("AttemptTx returned %v", begun)
				}
			})
		})
	}
}

// beginless says of itself that it has no transactions.
type beginless struct{ outbox }

func (s beginless) Begin(context.Context) (store.Tx, error) {
	return nil, store.Unsupported(s, "Begin")
}
