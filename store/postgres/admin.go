package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/store"
)

// Cancel implements [store.Canceler].
func (s *Store) Cancel(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	a := administration{op: "cancel", call: s.sql.cancel, state: "status IN ('created', 'running') AND NOT cancel_requested"}
	a.judge = func(q *session, id int64, queue string, running bool) error {
		if running {
			q.news.Cancelled(queue, id)
		}
		return nil
	}
	return s.administer(ctx, &a, &f, limit)
}

// Retry implements [store.Retrier].
func (s *Store) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	a := administration{op: "retry", call: s.sql.retry, state: "status IN ('failed', 'cancelled')"}
	a.judge = func(q *session, _ int64, queue string, duplicate bool) error {
		if duplicate {
			return store.ErrDuplicate
		}
		q.news.Due(queue)
		return nil
	}
	return s.administer(ctx, &a, &f, limit)
}

// SetDue implements [store.DueSetter].
func (s *Store) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if err := when.Validate(); err != nil {
		return nil, err
	}
	a := administration{
		op: "set due", call: s.sql.setDue, state: "status = 'created'", more: []any{etaOf(when.ETA), micros(when.Delay)},
	}
	a.judge = func(q *session, _ int64, queue string, due bool) error {
		if due {
			q.news.Due(queue)
		}
		return nil
	}
	return s.administer(ctx, &a, &f, limit)
}

// Delete implements [store.Deleter].
func (s *Store) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	a := administration{op: "delete", call: s.sql.remove, state: "status <> 'running'"}
	if f.IDs != nil {
		a.state = "true" // those that run are refused
	}
	a.judge = func(_ *session, _ int64, _ string, running bool) error {
		if running && f.IDs != nil {
			return store.ErrRunning
		}
		if running { // since the filter was looked at
			return errPassedOver
		}
		return nil
	}
	return s.administer(ctx, &a, &f, limit)
}

// An administration changes the tasks that match a filter.
type administration struct {
	op    string
	call  string // takes ids, and returns for each that it looked at its queue and one thing more
	state string // of tasks that it may change, in the view entity
	more  []any  // that the call takes
	judge func(q *session, id int64, queue string, odd bool) error
}

var errPassedOver = errors.New("passed over")

// adminPage is how many tasks a call changes.
const adminPage = 1000

// administer changes the tasks that match f, by pages, in one transaction, until it has changed
// limit.
func (s *Store) administer(ctx context.Context, a *administration, f *store.Filter, limit int) (changed []int64, err error) {
	if f.IsZero() {
		return nil, store.Invalid(a.op, errors.New("the filter is empty: to mean every task, name every status"))
	}
	refused := store.BatchError{Op: a.op}
	var q *session
	err = s.transact(ctx, func(tx pgx.Tx) error {
		q = s.session(tx, true)
		changed, refused.Refused = nil, nil
		for after := int64(0); ; {
			page, err := q.page(ctx, a, f, after)
			if err != nil || len(page) == 0 {
				return err
			}
			after = page[len(page)-1]
			if limit > 0 {
				page = page[:min(len(page), limit-len(changed))]
			}
			if err := q.change(ctx, a, f, page, &changed, &refused); err != nil {
				return err
			}
			if limit > 0 && len(changed) == limit {
				return nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	q.committed()
	return changed, refused.OrNil()
}

// transact runs fn in a transaction on a connection of the store's own, one at a time: it may
// take long, and others need connections.
func (s *Store) transact(ctx context.Context, fn func(tx pgx.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	select {
	case s.admin <- struct{}{}:
		defer func() { <-s.admin }()
	case <-ctx.Done():
		return ended(ctx)
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return store.Definite(s.explain(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after the commit, nothing to do
	if err := fn(tx); err != nil {
		return store.Definite(s.explain(err))
	}
	return s.explain(tx.Commit(ctx))
}

// page returns the next ids that match.
func (q *session) page(ctx context.Context, a *administration, f *store.Filter, after int64) (ids []int64, err error) {
	c := q.conditions(f)
	c.add("id > %s", after)
	c.all = append(c.all, "("+a.state+")")
	c.add("true ORDER BY id LIMIT %s", adminPage)
	err = q.query(ctx, inSchema("SELECT id FROM firefly.entity WHERE "+c.text(), q.schema), c.args, func(r scanner) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// change makes one call.
func (q *session) change(
	ctx context.Context, a *administration, f *store.Filter, ids []int64, changed *[]int64, refused *store.BatchError,
) error {
	args := append([]any{q.skew(), ids}, a.more...)
	if a.op == "delete" {
		args = args[1:]
	}
	return q.query(ctx, a.call, args, func(r scanner) error {
		var id int64
		var queue string
		var odd bool
		if err := r.Scan(&id, &queue, &odd); err != nil {
			return err
		}
		switch err := a.judge(q, id, queue, odd); {
		case err == nil:
			*changed = append(*changed, id)
		case !errors.Is(err, errPassedOver):
			refused.Refuse(slices.Index(f.IDs, id), id, err)
		}
		return nil
	})
}
