package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// Complete implements [store.Writer].
func (s *Store) Complete(ctx context.Context, done []store.Completion) error {
	return settle(ctx, s, "complete", done, s.complete)
}

// Fail implements [store.Writer].
func (s *Store) Fail(ctx context.Context, failed []store.Failure) error {
	return settle(ctx, s, "fail", failed, s.fail)
}

// Reschedule implements [store.Writer].
func (s *Store) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return settle(ctx, s, "reschedule", again, s.reschedule)
}

// settle applies each item of a batch and names those that were refused.
func settle[T any](ctx context.Context, s *Store, op string, items []T, apply func(T) (int64, error)) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	return applyAll(op, items, apply)
}

func applyAll[T any](op string, items []T, apply func(T) (int64, error)) error {
	refused := store.BatchError{Op: op}
	for i, item := range items {
		if id, err := apply(item); err != nil {
			refused.Refuse(i, id, err)
		}
	}
	return refused.OrNil()
}

// held returns the row that a lease holds. If it holds it no more, but ended it in one of the
// given states, the call is a repeat, and done is true; in a transaction there are no repeats.
func (s *Store) held(id int64, by store.LeaseID, ended ...store.Status) (r *row, done bool, err error) {
	r = s.rows[id]
	switch {
	case r == nil || by.IsZero():
		return nil, false, store.ErrLeaseLost
	case r.Status == store.Running && r.Lease == by:
		return r, false, nil
	case s.undo == nil && r.endedBy == by && slices.Contains(ended, r.Status):
		return r, true, nil
	default:
		return nil, false, store.ErrLeaseLost
	}
}

func (s *Store) complete(c store.Completion) (int64, error) {
	if err := store.CheckReturned(c.Returned); err != nil {
		return c.ID, err
	}
	r, done, err := s.held(c.ID, c.Lease, store.Completed)
	if err != nil || done {
		return c.ID, err
	}
	s.change(r, func(r *row) {
		r.Status, r.Finished, r.endedBy = store.Completed, s.now, c.Lease
		r.Returned = slices.Clone(c.Returned)
		r.unhold()
	})
	return c.ID, nil
}

func (s *Store) fail(f store.Failure) (int64, error) {
	r, done, err := s.held(f.ID, f.Lease, store.Failed, store.Cancelled)
	if err != nil || done {
		return f.ID, err
	}
	status := store.Failed
	if f.Cancelled || r.CancelRequested {
		status = store.Cancelled
	}
	s.finish(r, status, f.Lease, f.Err)
	return f.ID, nil
}

func (s *Store) reschedule(a store.Rescheduling) (int64, error) {
	if a.Kind > store.Release || a.Kind != store.Release && a.After < 0 {
		return a.ID, store.Invalid("rescheduling", fmt.Errorf("%s after %s", a.Kind, a.After))
	}
	r, _, err := s.held(a.ID, a.Lease)
	if err != nil {
		return a.ID, err
	}
	due := s.now.Add(a.After)
	if a.Kind == store.Release {
		due = r.Due
	}
	retries := 0
	if a.Kind == store.Retry {
		retries = 1
	}
	s.wait(r, due, a.Lease, a.Err, retries, 0)
	return a.ID, nil
}
