package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fireflytasks/go-firefly/store"
)

// Complete implements [store.Writer].
func (s *Store) Complete(ctx context.Context, done []store.Completion) error {
	return settle(ctx, s, "complete", done, (*session).complete)
}

// Fail implements [store.Writer].
func (s *Store) Fail(ctx context.Context, failed []store.Failure) error {
	return settle(ctx, s, "fail", failed, (*session).fail)
}

// Reschedule implements [store.Writer].
func (s *Store) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return settle(ctx, s, "reschedule", again, (*session).reschedule)
}

// settle applies each item of a batch and names those that were refused.
func settle[T any](ctx context.Context, s *Store, op string, items []T, apply func(*session, T) (int64, error)) error {
	refused := store.BatchError{Op: op}
	if err := s.inWrite(ctx, func(q *session) error { return applyAll(q, items, apply, &refused) }); err != nil {
		return err
	}
	return refused.OrNil()
}

// applyAll ends at the first error that is not an item's own.
func applyAll[T any](q *session, items []T, apply func(*session, T) (int64, error), refused *store.BatchError) error {
	for i, item := range items {
		id, err := apply(q, item)
		switch {
		case err == nil:
		case errors.Is(err, store.ErrLeaseLost), errors.Is(err, store.ErrInvalid), errors.Is(err, store.ErrTooLarge):
			refused.Refuse(i, id, err)
		default:
			return err
		}
	}
	return nil
}

// A heldTask is what settling needs to know of a running task.
type heldTask struct {
	id       int64
	queue    string
	priority int
	name     string
	due      int64
	errors   sql.NullString
	cancel   bool
}

// held returns the task that a lease holds. If the lease ended it before in one of the given
// states, the call is a repeat, and done is true.
func (q *session) held(id int64, by store.LeaseID, ended ...store.Status) (t *heldTask, done bool, err error) {
	t = &heldTask{id: id}
	err = q.row("held.sql", []any{id, by[:]}, &t.queue, &t.priority, &t.name, &t.due, &t.errors, &t.cancel)
	if !errors.Is(err, sql.ErrNoRows) {
		return t, false, err
	}
	if q.inTx || by.IsZero() {
		return nil, false, store.ErrLeaseLost
	}
	for _, status := range ended {
		var one int
		err := q.row("SELECT 1 FROM firefly_finished WHERE id = ? AND ended_by = ? AND status = ?", []any{id, by[:], status}, &one)
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, err == nil, err
		}
	}
	return nil, false, store.ErrLeaseLost
}

func (q *session) complete(c store.Completion) (int64, error) {
	if err := store.CheckReturned(c.Returned); err != nil {
		return c.ID, err
	}
	t, done, err := q.held(c.ID, c.Lease, store.Completed)
	if err != nil || done {
		return c.ID, err
	}
	return c.ID, q.finish(t, ending{status: store.Completed, by: c.Lease, returned: c.Returned})
}

func (q *session) fail(f store.Failure) (int64, error) {
	t, done, err := q.held(f.ID, f.Lease, store.Failed, store.Cancelled)
	if err != nil || done {
		return f.ID, err
	}
	e := ending{status: store.Failed, by: f.Lease, err: f.Err}
	if f.Cancelled || t.cancel {
		e.status = store.Cancelled
	}
	return f.ID, q.finish(t, e)
}

func (q *session) reschedule(a store.Rescheduling) (int64, error) {
	if a.Kind > store.Release || a.Kind != store.Release && a.After < 0 {
		return a.ID, store.Invalid("rescheduling", fmt.Errorf("%s after %s", a.Kind, a.After))
	}
	t, _, err := q.held(a.ID, a.Lease)
	if err != nil {
		return a.ID, err
	}
	w := waiting{by: a.Lease, due: q.at + micros(a.After), err: a.Err}
	switch a.Kind {
	case store.Retry:
		w.retries = 1
	case store.Release:
		w.due = t.due
	default:
	}
	return a.ID, q.wait(t, w)
}

// An ending is how a running task ends for good.
type ending struct {
	status   store.Status
	by       store.LeaseID
	crashes  int
	returned []byte
	err      *store.AttemptError
}

func (q *session) finish(t *heldTask, e ending) error {
	history, err := q.withError(t.errors, e.err)
	if err != nil {
		return err
	}
	if err := q.exec("DELETE FROM firefly_running WHERE task = ?", t.id); err != nil {
		return err
	}
	q.count(t.queue, store.Running, -1)
	return q.archive(t, e, history)
}

// archive moves a live task that does not run to the finished ones.
func (q *session) archive(t *heldTask, e ending, history sql.NullString) error {
	by := any(nil)
	if !e.by.IsZero() {
		by = e.by[:]
	}
	err := q.exec("finish.sql", e.crashes, history, e.status, q.at, blob(e.returned), by, t.id)
	if err == nil {
		err = q.exec("DELETE FROM firefly_task WHERE id = ?", t.id)
	}
	q.count(t.queue, e.status, 1)
	return err
}

// A waiting is how a running task is given back.
type waiting struct {
	by               store.LeaseID
	due              int64
	retries, crashes int
	err              *store.AttemptError
}

// wait makes a running task wait; one that is to be cancelled ends instead.
func (q *session) wait(t *heldTask, w waiting) error {
	if t.cancel {
		return q.finish(t, ending{status: store.Cancelled, by: w.by, crashes: w.crashes, err: w.err})
	}
	history, err := q.withError(t.errors, w.err)
	if err != nil {
		return err
	}
	if err := q.exec("DELETE FROM firefly_running WHERE task = ?", t.id); err != nil {
		return err
	}
	err = q.exec("UPDATE firefly_task SET due = ?, retries = retries + ?, crashes = crashes + ?, errors = ? WHERE id = ?",
		w.due, w.retries, w.crashes, history, t.id)
	if err != nil {
		return err
	}
	q.count(t.queue, store.Running, -1)
	q.count(t.queue, store.Created, 1)
	return q.ready(t.id, t.queue, t.priority, t.name, w.due)
}
