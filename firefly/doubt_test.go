package firefly_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// Each way in which a run can end, and the call that tells the store.
var endings = map[string]struct {
	call string
	run  func(ctx context.Context, w *world, run int) error
	want store.Status
	runs int
}{
	"completes": {"Complete", func(context.Context, *world, int) error { return nil }, store.Completed, 1},
	"fails":     {"Fail", func(context.Context, *world, int) error { return firefly.Permanent(errors.New("boom")) }, store.Failed, 1},
	"retries": {"Reschedule", func(_ context.Context, _ *world, run int) error {
		if run == 1 {
			return errors.New("again")
		}
		return nil
	}, store.Completed, 2},
	"snoozes": {"Reschedule", func(_ context.Context, _ *world, run int) error {
		if run == 1 {
			return firefly.Snooze(time.Second)
		}
		return nil
	}, store.Completed, 2},
}

// The request or the reply of a call is lost, once or several times: every task ends once, as it
// should, after as many runs as it should have.
func TestSettlingInDoubt(t *testing.T) {
	for name, end := range endings {
		for _, times := range []int64{1, 5} {
			for _, side := range []string{"before", "after"} {
				for _, call := range []string{end.call, "ClaimDue"} {
					t.Run(fmt.Sprintf("%s, %s cut %s %d times", name, call, side, times), func(t *testing.T) {
						inWorld(t, func(w *world) {
							if side == "before" {
								w.store.before = first(times, call)
							} else {
								w.store.after = first(times, call)
							}
							runs := 0
							w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
								runs++
								return firefly.None{}, end.run(ctx, w, runs)
							}))
							h := w.schedule(firefly.MaxRetries(3), firefly.RetryDelay(time.Second))
							w.settle(25 * time.Second)
							task := w.status(h.ID(), end.want)
							if runs != end.runs || task.Crashes != 0 {
								t.Fatalf("%d runs, want %d; %d crashes", runs, end.runs, task.Crashes)
							}
						})
					})
				}
			}
		}
	}
}

// A commit whose outcome is unknown is found out, both when it did happen and when it did not.
func TestCommitInDoubt(t *testing.T) {
	for how, spawn := range spawners {
		for _, side := range []string{"before", "after"} {
			for _, release := range []string{"", "before", "after"} {
				t.Run(fmt.Sprintf("%s, cut %s, release cut %s", how, side, release), func(t *testing.T) {
					inWorld(t, func(w *world) {
						cutCommit, cutRelease := first(1, "Commit"), first(2, "Reschedule")
						hook := func(which string) func(string) error {
							return func(call string) error {
								if which == side {
									if err := cutCommit(call); err != nil {
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
						w.work(firefly.WorkerConfig{
							Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcomes.addf("%s", e.Outcome) }},
						}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
							runs++
							return firefly.None{}, spawn(ctx, w.client, "kid")
						}))
						h := w.schedule()
						w.settle(20 * time.Second)
						task := w.status(h.ID(), store.Completed)
						if task.Retries != 0 || task.Crashes != 0 || len(w.children()) != 1 {
							t.Errorf("%d retries, %d crashes, %d children", task.Retries, task.Crashes, len(w.children()))
						}
						want := 2 // the commit had not happened: run again, at no cost
						if side == "after" {
							want = 1
						}
						if runs != want || len(outcomes.notes) != want {
							t.Errorf("%d runs that ended as %s, want %d", runs, outcomes.String(), want)
						}
					})
				})
			}
		}
	}
}

// A transaction that runs into another is done again in place: ten times free, then it counts.
func TestConflicts(t *testing.T) {
	for _, test := range []struct {
		conflicts, runs, retries int
		want                     store.Status
	}{
		{conflicts: 1, runs: 2, want: store.Completed},
		{conflicts: 10, runs: 11, want: store.Completed},
		{conflicts: 11, runs: 12, retries: 1, want: store.Completed},
		{conflicts: 1000, runs: 22, retries: 1, want: store.Failed},
	} {
		for how, spawn := range spawners {
			t.Run(fmt.Sprintf("%d conflicts, %s", test.conflicts, how), func(t *testing.T) {
				inWorld(t, func(w *world) {
					left := test.conflicts
					w.store.before = func(call string) error {
						if call == "Commit" && left > 0 {
							left--
							return store.ErrConflict
						}
						return nil
					}
					runs := 0
					w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
						runs++
						return firefly.None{}, spawn(ctx, w.client, "kid")
					}))
					h := w.schedule(firefly.MaxRetries(1), firefly.RetryDelay(time.Second))
					w.settle(time.Minute)
					task := w.status(h.ID(), test.want)
					kids := 0
					if test.want == store.Completed {
						kids = 1
					}
					if runs != test.runs || task.Retries != test.retries || len(w.children()) != kids {
						t.Errorf("%d runs, %d retries, %d children; want %+v", runs, task.Retries, len(w.children()), test)
					}
				})
			})
		}
	}
}

// A store that cannot write at the moment costs nothing: verdicts are sent again, and a handler
// whose transaction did not commit runs again.
func TestStoreUnavailableForAMoment(t *testing.T) {
	for name, lost := range map[string]error{
		"locked":    store.Definite(fmt.Errorf("file: %w", store.ErrUnavailable)),
		"timed out": store.Definite(context.DeadlineExceeded),
	} {
		for _, call := range []string{"Complete", "Commit", "ClaimDue"} {
			t.Run(name+" at "+call, func(t *testing.T) {
				inWorld(t, func(w *world) {
					cut := first(3, call)
					w.store.before = func(c string) error {
						if cut(c) != nil {
							return lost
						}
						return nil
					}
					w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
						if call != "Commit" {
							return firefly.None{}, nil
						}
						return firefly.None{}, spawners["staged"](ctx, w.client, "kid")
					}))
					h := w.schedule()
					w.settle(20 * time.Second)
					if task := w.status(h.ID(), store.Completed); task.Retries+task.Crashes+len(task.Errors) != 0 {
						t.Errorf("it cost %d retries, %d crashes, errors %v", task.Retries, task.Crashes, task.Errors)
					}
				})
			})
		}
	}
}

// choosy refuses every batch that holds a certain task, without naming it.
type choosy struct {
	*faulty
	bad int64
}

func (s choosy) Complete(ctx context.Context, done []store.Completion) error {
	for _, d := range done {
		if d.ID == s.bad {
			return store.Definite(errors.New("value out of range"))
		}
	}
	return s.faulty.Complete(ctx, done)
}

func TestOneBadCompletionFailsAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		var ids []int64
		for range 20 {
			ids = append(ids, w.schedule().ID())
		}
		w.workOn(choosy{w.store, ids[7]}, firefly.WorkerConfig{}, job.Handle(nap(time.Second)))
		w.settle(10 * time.Second)
		for i, id := range ids {
			want := store.Completed
			if i == 7 {
				want = store.Failed
			}
			if task := w.status(id, want); i == 7 && task.Errors[0].Text != "value out of range" {
				t.Errorf("the reason is %v", task.Errors)
			}
		}
	})
}

func TestStoreDownForAWhile(t *testing.T) {
	inWorld(t, func(w *world) {
		var down atomic.Bool
		var troubles atomic.Int64
		w.store.before = func(string) error {
			if down.Load() {
				return errCut
			}
			return nil
		}
		w.work(firefly.WorkerConfig{Concurrency: 4, Hooks: firefly.Hooks{Trouble: func(string, error) { troubles.Add(1) }}}, job.Handle(nap(3*time.Second)))
		var ids []int64
		for range 40 {
			ids = append(ids, w.schedule().ID())
		}
		w.settle(5 * time.Second)
		down.Store(true)
		w.settle(10 * time.Minute)
		down.Store(false)
		w.settle(5 * time.Minute)
		for _, id := range ids {
			w.status(id, store.Completed)
		}
		if troubles.Load() == 0 {
			t.Error("nobody was told")
		}
	})
}

// An insertion whose reply is lost, and whose repeats meet a store that is down, stays in doubt: it
// is stored, and scheduling the same call again stores it once.
func TestRefusedRepeatLeavesDoubt(t *testing.T) {
	inWorld(t, func(w *world) {
		inserts := 0
		w.store.before = func(call string) error {
			if call != "Insert" {
				return nil
			}
			if inserts++; inserts > 1 && inserts <= 4 {
				return store.ErrUnavailable
			}
			return nil
		}
		w.store.after = first(1, "Insert")
		call := Add.Call(AddArgs{1, 3})
		err := w.client.ScheduleMany(w.Context(), call)
		if !errors.Is(err, firefly.ErrUnknownOutcome) || store.IsDefinite(err) {
			t.Fatalf("the call ended with %v, want that its outcome is unknown", err)
		}
		if err := w.client.ScheduleMany(w.Context(), call); err != nil {
			t.Fatal(err)
		}
		counter, _ := store.As[store.Counter](w.store)
		counts, err := counter.Counts(w.Context())
		if err != nil || len(counts) != 1 || counts[0].Created != 1 {
			t.Errorf("stored are %+v, error %v, want one task", counts, err)
		}
	})
}

// A claim whose reply is lost, and whose repeat meets a store that is down, is asked for again under
// its lease: its tasks do not wait for the lease's end.
func TestClaimInDoubtOutlivesUnavailability(t *testing.T) {
	inWorld(t, func(w *world) {
		claims := 0
		w.store.before = func(call string) error {
			if call != "ClaimDue" {
				return nil
			}
			if claims++; claims > 1 && claims <= 4 {
				return store.ErrUnavailable
			}
			return nil
		}
		w.store.after = first(1, "ClaimDue")
		h := w.schedule()
		w.work(firefly.WorkerConfig{}, job.Handle(func(context.Context, firefly.None) (firefly.None, error) {
			return firefly.None{}, nil
		}))
		w.settle(10 * time.Second)
		if task := w.status(h.ID(), store.Completed); task.Crashes != 0 {
			t.Errorf("%d crashes, want none", task.Crashes)
		}
	})
}

// A repeated rescheduling that is refused says that the task was settled, or that the lease was lost:
// the worker does not know which.
func TestRescheduledInDoubtEndsUnknown(t *testing.T) {
	inWorld(t, func(w *world) {
		w.store.after = first(1, "Reschedule")
		var outcomes []firefly.Outcome
		hooks := firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcomes = append(outcomes, e.Outcome) }}
		w.work(firefly.WorkerConfig{Hooks: hooks}, job.Handle(func(context.Context, firefly.None) (firefly.None, error) {
			return firefly.None{}, firefly.Snooze(time.Hour)
		}))
		w.schedule()
		w.settle(time.Minute)
		if len(outcomes) != 1 || outcomes[0] != firefly.Unknown {
			t.Errorf("the run ended as %v", outcomes)
		}
	})
}

// A strict store refuses batches of several completions as a whole, and for good. It takes its time for
// a single one, so that others gather meanwhile.
type strict struct {
	*faulty
	refused int
}

func (s *strict) Complete(ctx context.Context, done []store.Completion) error {
	if len(done) > 1 {
		s.refused++
		return store.Definite(errors.New("one of them is bad"))
	}
	<-time.After(time.Second)
	return s.faulty.Complete(ctx, done)
}

func TestWholeBatchOfCompletionsRefusedIsSentOneByOne(t *testing.T) {
	inWorld(t, func(w *world) {
		s := &strict{faulty: w.store}
		w.workOn(s, firefly.WorkerConfig{}, job.Handle(func(context.Context, firefly.None) (firefly.None, error) {
			<-time.After(time.Second)
			return firefly.None{}, nil
		}))
		var ids []int64
		for range 10 {
			ids = append(ids, w.schedule().ID())
		}
		w.settle(time.Minute)
		for _, id := range ids {
			w.status(id, store.Completed)
		}
		if s.refused == 0 {
			t.Error("no batch was refused")
		}
	})
}
