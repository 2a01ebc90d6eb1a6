package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

const (
	opComplete   = "complete" // as a BatchError names them
	opFail       = "fail"
	opReschedule = "reschedule"
)

// Complete implements [store.Writer].
func (s *Store) Complete(ctx context.Context, done []store.Completion) error {
	return s.settle(ctx, opComplete, completions(done))
}

// Fail implements [store.Writer].
func (s *Store) Fail(ctx context.Context, failed []store.Failure) error {
	return s.settle(ctx, opFail, failures(failed))
}

// Reschedule implements [store.Writer].
func (s *Store) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return s.settle(ctx, opReschedule, reschedulings(again))
}

// settle ends runs outside of transactions.
func (s *Store) settle(ctx context.Context, op string, all endings) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	at, err := s.now(ctx)
	if err != nil {
		return err
	}
	refused := store.BatchError{Op: op}
	w := writing{s: s}
	if err := w.end(alone(ctx), all(at, &refused), &refused); err != nil {
		return s.inDoubt(err)
	}
	w.happened()
	return refused.OrNil()
}

// An ending says what becomes of a running task.
type ending struct {
	index int // in the batch
	id    int64
	lease store.LeaseID
	to    store.Status
	alike string // equal for endings that one update can make; empty if it is by itself

	update   func() bson.M  // of a task that is not to be cancelled
	flagged  func() bson.M  // of one that is; nil if that makes no difference
	repeated []store.Status // in which the same lease may have left it before; none if it cannot be known
}

// endings are what a batch comes to at a time. Items that are refused as they are have none.
type endings func(at instant, refused *store.BatchError) []ending

// unheld are the fields of a running task that another one does not have; and a finished one has no
// key that anybody waits for.
func unheld(more ...string) bson.M {
	fields := bson.M{"lease": "", "worker": ""}
	for _, f := range more {
		fields[f] = ""
	}
	return fields
}

// endedAs is finished, for when it is needed.
func endedAs(status store.Status, at int64, by store.LeaseID, e *store.AttemptError) func() bson.M {
	return func() bson.M { return finished(status, at, by, e) }
}

// finished is the update of a task that has ended.
func finished(status store.Status, at int64, by store.LeaseID, e *store.AttemptError) bson.M {
	set := bson.M{"status": status, "finished": at}
	if !by.IsZero() {
		set["ended_by"] = by[:]
	}
	return withError(bson.M{"$set": set, "$unset": unheld("held")}, e, at)
}

// withError adds an error to the history, if there is one.
func withError(update bson.M, e *store.AttemptError, at int64) bson.M {
	if e != nil {
		entry := errorRecord{Attempt: int32(e.Attempt), At: at, Text: store.CleanText(e.Text)} //nolint:gosec // of counters that are int32
		update["$push"] = bson.M{"errors": bson.M{"$each": []errorRecord{entry}, "$slice": -store.MaxErrors}}
	}
	return update
}

// mostAlike is the size of a result up to which tasks with equal ones are completed by one update.
const mostAlike = 256

func completions(done []store.Completion) endings {
	return func(at instant, refused *store.BatchError) []ending {
		all := make([]ending, 0, len(done))
		for i := range done {
			d := &done[i]
			if err := checkReturned(d.Returned); err != nil {
				refused.Refuse(i, d.ID, err)
				continue
			}
			e := ending{
				index: i, id: d.ID, lease: d.Lease, to: store.Completed, repeated: []store.Status{store.Completed},
				update: func() bson.M { return completed(d, at) },
			}
			if len(d.Returned) <= mostAlike {
				e.alike = fmt.Sprintf("%t%s", d.Returned == nil, d.Returned)
			}
			all = append(all, e)
		}
		return all
	}
}

// completed is the update of a task that has ended well.
func completed(d *store.Completion, at instant) bson.M {
	update := finished(store.Completed, at.early, d.Lease, nil)
	if d.Returned != nil {
		set(update, "returned", d.Returned)
	}
	return update
}

func checkReturned(b []byte) error {
	if err := store.CheckReturned(b); err != nil {
		return err
	}
	if len(b) > maxDocument {
		return fmt.Errorf("returned of %d bytes is %w: the limit of MongoDB is %d bytes for params and result together",
			len(b), store.ErrTooLarge, maxDocument)
	}
	return nil
}

func failures(failed []store.Failure) endings {
	return func(at instant, _ *store.BatchError) []ending {
		all := make([]ending, len(failed))
		for i := range failed {
			f := &failed[i]
			e := ending{
				index: i, id: f.ID, lease: f.Lease, to: store.Failed, repeated: []store.Status{store.Failed, store.Cancelled},
				flagged: endedAs(store.Cancelled, at.early, f.Lease, f.Err),
			}
			if f.Cancelled {
				e.to, e.update, e.flagged = store.Cancelled, e.flagged, nil
			} else {
				e.update = endedAs(store.Failed, at.early, f.Lease, f.Err)
			}
			all[i] = e
		}
		return all
	}
}

func reschedulings(again []store.Rescheduling) endings {
	return func(at instant, refused *store.BatchError) []ending {
		all := make([]ending, 0, len(again))
		for i := range again {
			a := &again[i]
			if a.Kind > store.Release || a.Kind != store.Release && a.After < 0 {
				refused.Refuse(i, a.ID, store.Invalid("rescheduling", fmt.Errorf("%s after %s", a.Kind, a.After)))
				continue
			}
			e := ending{
				index: i, id: a.ID, lease: a.Lease, to: store.Created,
				update:  func() bson.M { return rescheduled(a, at) },
				flagged: endedAs(store.Cancelled, at.early, a.Lease, a.Err),
			}
			if a.Err == nil {
				e.alike = fmt.Sprintf("%d %d", a.Kind, a.After)
			}
			all = append(all, e)
		}
		return all
	}
}

// rescheduled is the update of a task that is given back.
func rescheduled(a *store.Rescheduling, at instant) bson.M {
	update := bson.M{"$set": bson.M{"status": store.Created}, "$unset": unheld()}
	if a.Kind != store.Release {
		set(update, "due", dueAfter(at, micros(a.After)))
	}
	if a.Kind == store.Retry {
		update["$inc"] = bson.M{"retries": 1}
	}
	return withError(update, a.Err, at.early)
}

// set adds a field to an update that sets some already.
func set(update bson.M, field string, value any) {
	update["$set"].(bson.M)[field] = value //nolint:forcetypeassert // all updates here have it
}

// dueAfter is when a task is due: at once if there is nothing to wait for, and else never too soon.
func dueAfter(at instant, wait int64) int64 {
	if wait == 0 {
		return at.early
	}
	return at.late + wait
}

// A writing is what one call, or a transaction, does: what there is to say of it once it has happened.
type writing struct {
	s    *Store
	inTx bool

	news    wake.News
	settled []settled
}

type settled struct {
	id    int64
	lease store.LeaseID
}

// happened says so.
func (w *writing) happened() {
	w.s.holdings.settled(w.settled)
	w.s.announce(&w.news)
	w.s.work.wrote()
}
