package storefaults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const claim = "claim"

// A call of a store, and what it makes of a queue.
type call struct {
	name          string
	before, after store.QueueCounts
	make          func(r *round) error
}

// A round is what a call works on.
type round struct {
	store.Full

	ctx     context.Context
	held    []store.Task    // that run
	waiting []int64         // that wait, in order
	fresh   []store.NewTask // to be inserted
	claim   store.Claim
	claimed []store.Task
	doubt   bool // whether the call has had its effect before
}

// claimAll claims until there is something: a store that knows its server's clock within bounds takes a
// task for due a moment later than the store that inserted it.
func (r *round) claimAll() (err error) {
	const tries = 20
	for range tries {
		if r.claimed, err = r.ClaimDue(r.ctx, r.claim); err != nil || len(r.claimed) > 0 {
			break
		}
		<-time.After(5 * time.Millisecond)
	}
	return err
}

// calls returns all that write n tasks.
func calls(s store.Full, n int64) []call {
	created, running := store.QueueCounts{Created: n}, store.QueueCounts{Running: n}
	list := []call{
		{"insert", store.QueueCounts{}, created, func(r *round) error { _, err := r.Insert(r.ctx, r.fresh); return err }},
		{claim, created, running, (*round).claimAll},
		{"extend", running, running, func(r *round) error {
			out, err := r.Extend(r.ctx, 0, []store.LeaseID{r.held[0].Lease})
			if err == nil && out[0].Lost {
				err = errors.New("the lease is lost")
			}
			return err
		}},
		{"complete", running, store.QueueCounts{Completed: n}, func(r *round) error {
			return r.Complete(r.ctx, each(r.held, completion))
		}},
		{"fail", running, store.QueueCounts{Failed: n}, func(r *round) error {
			return r.Fail(r.ctx, each(r.held, func(id int64, lease store.LeaseID) store.Failure {
				return store.Failure{ID: id, Lease: lease}
			}))
		}},
	}
	list = append(list, call{"set due", created, created, func(r *round) error {
		f := store.Filter{IDs: r.waiting}
		ids, err := r.SetDue(r.ctx, f, store.When{Delay: time.Hour}, 0)
		if err == nil && !slices.Equal(ids, r.waiting) {
			err = fmt.Errorf("it changed %v, not %v", ids, r.waiting)
		}
		return err
	}})
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		list = append(list, call{kind.String(), running, created, func(r *round) error {
			err := r.Reschedule(r.ctx, each(r.held, func(id int64, lease store.LeaseID) store.Rescheduling {
				return store.Rescheduling{ID: id, Lease: lease, Kind: kind}
			}))
			if r.doubt && errors.Is(err, store.ErrLeaseLost) {
				return nil
			}
			return err
		}})
	}
	if parents, ok := store.As[store.ParentCompleter](s); ok {
		one, after := store.QueueCounts{Running: 1}, store.QueueCounts{Completed: 1, Created: n}
		list = append(list, call{"complete a parent of", one, after, func(r *round) error {
			_, err := parents.CompleteParent(r.ctx, completion(r.held[0].ID, r.held[0].Lease), r.fresh)
			return err
		}})
	}
	return list
}

// cutCall cuts a call, repeats it as it is, and looks that it happened once.
func (s *scene) cutCall(t *testing.T, moment string, call call, n int64) {
	t.Helper()
	prepare := func() *round {
		t.Helper()
		queue, held, waiting := s.tasks(t, call.before.Running, call.before.Created)
		return &round{Full: s.through, ctx: t.Context(), held: held, waiting: waiting, fresh: newTasks(queue, n), claim: newClaim(queue, n)}
	}
	s.cut(t, moment, false, func(c *cutoff) {
		t.Helper()
		if err := call.make(prepare()); err != nil { // so there is a connection, and it knows the statement
			t.Fatalf("not cut: %v", err)
		}
		r, before, after := prepare(), call.before, call.after
		before.Queue, after.Queue = r.claim.Queues[0], r.claim.Queues[0]
		c.during(func() error { return call.make(r) })
		now, _ := counts(t, s.direct, before.Queue)
		if c.nothing() && now != before {
			t.Errorf("%s: counts are %+v, want still %+v", c, now, before)
		}
		if c.err != nil {
			r.doubt = !c.nothing()
			if err := call.make(r); err != nil {
				t.Fatalf("%s and repeated: %v", c, err)
			}
		}
		if r.doubt && call.name == claim { // the lease holds what it held; if it did not yet, any number
			after.Running = cmp.Or(now.Running, int64(len(r.claimed)))
			after.Created = n - after.Running
		}
		if got, _ := counts(t, s.direct, after.Queue); got != after {
			t.Errorf("%s and repeated: counts are %+v, want %+v", c, got, after)
		}
		if call.name == claim && int64(len(r.claimed)) != after.Running {
			t.Errorf("%s and repeated: it returned %d tasks, want %d", c, len(r.claimed), after.Running)
		}
	})
}
