package customstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A writer is the half of a store that a transaction has as well. The function decides when to
// make a change, and to which table; it is told how many writes the change is.
type writer func(ctx context.Context, writes int, change func(*table) error) error

// batch applies a step to each item and names the items that it refuses.
func batch[Item any](ctx context.Context, w writer, op string, items []Item, step func(*table, int) (int64, error)) error {
	return w(ctx, len(items), func(t *table) error {
		refused := store.BatchError{Op: op}
		for i := range items {
			if id, err := step(t, i); err != nil {
				refused.Refuse(i, id, err)
			}
		}
		return refused.OrNil()
	})
}

// Insert implements [store.Writer].
func (w writer) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	err := batch(ctx, w, "insert", tasks, func(t *table, i int) (int64, error) {
		err := tasks[i].Validate()
		if err == nil {
			out[i] = t.insert(&tasks[i])
		}
		return tasks[i].ID, err
	})
	return out, err
}

func (t *table) insert(n *store.NewTask) store.Inserted {
	if r, ok := t.rows[n.ID]; ok { // a repeat
		return store.Inserted{ID: r.ID, Created: r.Created, Due: r.Due}
	}
	for _, holder := range t.rows {
		if n.UniqueKey != "" && holder.UniqueKey == n.UniqueKey && !holder.Status.Terminal() {
			return t.collide(holder, n)
		}
	}
	if n.ID == 0 {
		*t.lastID++
		n.ID = *t.lastID
	}
	r := row{Task: store.Task{
		ID: n.ID, Name: n.Name, Queue: n.Queue, Status: store.Created, Created: t.now, UniqueKey: n.UniqueKey,
	}}
	t.save(r, n)
	return store.Inserted{ID: n.ID, Created: t.rows[n.ID].Created, Due: t.rows[n.ID].Due}
}

func (t *table) collide(holder row, n *store.NewTask) store.Inserted {
	if !n.Replace || holder.Name != n.Name || holder.Queue != n.Queue || holder.Status != store.Created {
		return store.Inserted{ID: holder.ID, Outcome: store.Existing}
	}
	t.save(holder, n)
	return store.Inserted{ID: holder.ID, Outcome: store.Replaced}
}

// save stores a row with all of n that a replacement may change too.
func (t *table) save(r row, n *store.NewTask) {
	r.Encoding, r.Params, r.Meta = n.Encoding, slices.Clone(n.Params), maps.Clone(n.Meta)
	r.Priority, r.MaxRetries, r.RetryDelay, r.Timeout = n.Priority, n.MaxRetries, n.RetryDelay, n.Timeout
	if r.Due = n.ETA; n.ETA.IsZero() {
		r.Due = t.now.Add(n.Delay)
	}
	t.rows[r.ID] = r
}

// Complete implements [store.Writer].
func (w writer) Complete(ctx context.Context, done []store.Completion) error {
	return batch(ctx, w, "complete", done, func(t *table, i int) (int64, error) {
		d := done[i]
		if err := store.CheckReturned(d.Returned); err != nil {
			return d.ID, err
		}
		return d.ID, t.settle(d.ID, d.Lease, store.Completed, nil, func(r *row) { r.Returned = slices.Clone(d.Returned) })
	})
}

// Fail implements [store.Writer].
func (w writer) Fail(ctx context.Context, failed []store.Failure) error {
	return batch(ctx, w, "fail", failed, func(t *table, i int) (int64, error) {
		f, as := failed[i], store.Failed
		if f.Cancelled {
			as = store.Cancelled
		}
		return f.ID, t.settle(f.ID, f.Lease, as, f.Err, func(*row) {})
	})
}

// Reschedule implements [store.Writer].
func (w writer) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return batch(ctx, w, "reschedule", again, func(t *table, i int) (int64, error) {
		a := again[i]
		if a.Kind > store.Release || a.After < 0 {
			return a.ID, store.Invalid("reschedule", errors.New("no such kind, or a negative time"))
		}
		return a.ID, t.settle(a.ID, a.Lease, store.Created, a.Err, func(r *row) {
			if a.Kind != store.Release {
				r.Due = t.now.Add(a.After)
			}
			if a.Kind == store.Retry {
				r.Retries++
			}
		})
	})
}

// settle ends the run of a task: all proof that a lease still holds it is here. It remembers
// which lease ended a task for good, to tell a repeat from a worker that lost its lease. In a
// transaction there are no repeats.
func (t *table) settle(id int64, lease store.LeaseID, as store.Status, e *store.AttemptError, change func(*row)) error {
	r := t.rows[id]
	if as.Terminal() && r.Status == as && r.endedBy == lease && !t.inTx {
		return nil
	}
	if r.Status != store.Running || r.Lease != lease {
		return store.ErrLeaseLost
	}
	change(&r)
	if as.Terminal() {
		r.Finished, r.endedBy = t.now, lease
	}
	r.Errors = store.AppendError(r.Errors, e, t.now)
	r.Status, r.Lease, r.LeaseEnd, r.Worker = as, store.LeaseID{}, time.Time{}, ""
	t.rows[id] = r
	return nil
}
