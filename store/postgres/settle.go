package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/store"
)

const (
	opComplete   = "complete" // as a BatchError names them
	opFail       = "fail"
	opReschedule = "reschedule"
)

// Complete implements [store.Writer].
func (s *Store) Complete(ctx context.Context, done []store.Completion) error {
	return s.settle(ctx, opComplete, func(q *session, refused *store.BatchError) error { return q.complete(ctx, done, refused) })
}

// Fail implements [store.Writer].
func (s *Store) Fail(ctx context.Context, failed []store.Failure) error {
	return s.settle(ctx, opFail, func(q *session, refused *store.BatchError) error { return q.fail(ctx, failed, refused) })
}

// Reschedule implements [store.Writer].
func (s *Store) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return s.settle(ctx, opReschedule, func(q *session, refused *store.BatchError) error { return q.reschedule(ctx, again, refused) })
}

// settle makes the calls of a batch on a connection of the store's own.
func (s *Store) settle(ctx context.Context, op string, write func(q *session, refused *store.BatchError) error) error {
	refused := store.BatchError{Op: op}
	err := s.call(ctx, func(q *session) error {
		refused.Refused = nil
		err := write(q, &refused)
		if err == nil {
			q.committed()
		}
		return err
	})
	if err != nil {
		return err
	}
	return refused.OrNil()
}

func (q *session) complete(ctx context.Context, done []store.Completion, refused *store.BatchError) error {
	valid := make([]int, 0, len(done))
	for i := range done {
		if err := store.CheckReturned(done[i].Returned); err != nil {
			refused.Refuse(i, done[i].ID, err)
			continue
		}
		valid = append(valid, i)
	}
	return q.apply(ctx, refused, &settling{
		items: valid,
		key:   func(i int) holding { return holding{done[i].ID, done[i].Lease} },
		size:  func(i int) int { return len(done[i].Returned) },
		call: func(h *held) (string, []any) {
			results, starts, lengths := joined(done, h.items)
			return q.sql.complete, []any{q.skew(), !q.inTx, h.ids, h.leases, results, starts, lengths}
		},
	})
}

// joined returns results as one piece with the place of each in it: an array of them would be
// walked from its start for each.
func joined(done []store.Completion, items []int) (results []byte, starts []int32, lengths []pgtype.Int4) {
	bytes := 0
	for _, i := range items {
		bytes += len(done[i].Returned)
	}
	results, starts, lengths = make([]byte, 0, bytes), make([]int32, len(items)), make([]pgtype.Int4, len(items))
	for at, i := range items {
		result := done[i].Returned
		starts[at] = int32(len(results) + 1)                                       //nolint:gosec // less than mostBytes
		lengths[at] = pgtype.Int4{Int32: int32(len(result)), Valid: result != nil} //nolint:gosec // as before
		results = append(results, result...)
	}
	return results, starts, lengths
}

func (q *session) fail(ctx context.Context, failed []store.Failure, refused *store.BatchError) error {
	return q.apply(ctx, refused, &settling{
		items: upTo(len(failed)),
		key:   func(i int) holding { return holding{failed[i].ID, failed[i].Lease} },
		size:  func(int) int { return 0 },
		call: func(h *held) (string, []any) {
			cancelled := make([]bool, len(h.items))
			var errs attemptErrors
			for at, i := range h.items {
				cancelled[at] = failed[i].Cancelled
				errs.add(failed[i].Err)
			}
			return q.sql.fail, []any{q.skew(), !q.inTx, h.ids, h.leases, cancelled, errs.attempts, errs.texts}
		},
	})
}

func (q *session) reschedule(ctx context.Context, again []store.Rescheduling, refused *store.BatchError) error {
	valid := make([]int, 0, len(again))
	for i, a := range again {
		if a.Kind > store.Release || a.Kind != store.Release && a.After < 0 {
			refused.Refuse(i, a.ID, store.Invalid("rescheduling", fmt.Errorf("%s after %s", a.Kind, a.After)))
			continue
		}
		valid = append(valid, i)
	}
	return q.apply(ctx, refused, &settling{
		items: valid,
		key:   func(i int) holding { return holding{again[i].ID, again[i].Lease} },
		size:  func(int) int { return 0 },
		gives: true,
		call: func(h *held) (string, []any) {
			kinds, afters := make([]int16, len(h.items)), make([]int64, len(h.items))
			var errs attemptErrors
			for at, i := range h.items {
				kinds[at], afters[at] = int16(again[i].Kind), micros(again[i].After)
				errs.add(again[i].Err)
			}
			return q.sql.again, []any{q.skew(), q.inTx, h.ids, h.leases, kinds, afters, errs.attempts, errs.texts}
		},
	})
}

// attemptErrors are errors as arrays; null is none.
type attemptErrors struct {
	attempts []int32
	texts    []pgtype.Text
}

func (a *attemptErrors) add(e *store.AttemptError) {
	if e == nil {
		a.attempts, a.texts = append(a.attempts, 0), append(a.texts, pgtype.Text{})
		return
	}
	a.attempts = append(a.attempts, int32(e.Attempt)) //nolint:gosec // of counters that are int32
	a.texts = append(a.texts, pgtype.Text{String: store.CleanText(e.Text), Valid: true})
}
