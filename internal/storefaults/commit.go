package storefaults

import (
	"errors"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

// cutCommit cuts the commits of handlers' transactions. A release outside finds out what is in doubt:
// accepted, there is no effect; refused, there is one.
func (s *scene) cutCommit(t *testing.T, moment string) {
	t.Helper()
	happened := false // a commit that failed
	s.cut(t, moment, s.CommitsUntilKnown, func(c *cutoff) {
		t.Helper()
		queue, held, _ := s.tasks(t, 1, 0)
		id, lease := held[0].ID, held[0].Lease
		tx := s.handle(t, id, lease, queue+":effect")
		c.during(func() error { return tx.Commit(t.Context()) })
		_ = tx.Rollback(t.Context())
		released := s.direct.Reschedule(t.Context(), []store.Rescheduling{{ID: id, Lease: lease, Kind: store.Release}})
		want := store.QueueCounts{Queue: queue + ":effect"}
		if errors.Is(released, store.ErrLeaseLost) {
			want.Created = 1
			happened = happened || c.err != nil
		}
		if (released == nil) != (want.Created == 0) || c.nothing() && released != nil || c.err == nil && released == nil {
			t.Errorf("%s: release: %v", c, released)
		}
		if got, _ := counts(t, s.direct, want.Queue); got != want {
			t.Errorf("%s: release: %v, but effects are %+v, want %+v", c, released, got, want)
		}
		if s.CountEffects == nil {
			return
		}
		if effects, err := s.CountEffects(t.Context()); err != nil || int64(effects[id]) != want.Created {
			t.Errorf("%s: release: %v, but there are %d effects, error %v", c, released, effects[id], err)
		}
	})
	if moment == "reply" && !happened && !s.CommitsUntilKnown {
		t.Error("no commit whose reply was cut has happened")
	}
}

// handle has effects and ends well, as a handler. What it returns is to be committed.
func (s *scene) handle(t *testing.T, id int64, lease store.LeaseID, effect string) store.Tx {
	t.Helper()
	a := store.NewAttempt(t.Context(), s.through, lease, leased)
	w, err := store.AttemptTx(a.Context())
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err == nil {
		_, err = w.Insert(t.Context(), newTasks(effect, 1))
	}
	if err == nil && s.WriteEffect != nil {
		err = s.WriteEffect(a.Context(), id)
	}
	tx := a.End()
	if err == nil {
		err = tx.Complete(t.Context(), []store.Completion{completion(id, lease)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}
