package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/store"
)

// In returns a writer in a transaction of the application's own, on the same database: what is
// written through it happens if and only if tx commits. Its commit is on the disk then, whatever
// synchronous_commit says. A [*store.BatchError] names refused items, of which all others were
// applied; after any other error tx is to be rolled back. It is used as tx is: one call at a time.
func (s *Store) In(tx pgx.Tx) store.Writer { return &inApp{s, s.session(tx, true)} }

// InSQL is [Store.In] for a transaction of database/sql, through whichever driver.
func (s *Store) InSQL(tx *sql.Tx) store.Writer { return &inApp{s, s.sqlSession(tx)} }

type inApp struct {
	s *Store
	q *session
}

// write makes one call in the application's transaction.
func (w *inApp) write(ctx context.Context, refused *store.BatchError, call func() error) error {
	if err := w.s.enter(ctx); err != nil {
		return err
	}
	if err := w.s.look(ctx); err != nil {
		return err
	}
	if err := call(); err != nil {
		return fmt.Errorf("postgres: the application's transaction: %w", w.s.explain(err))
	}
	w.s.notifyIn(ctx, w.q)
	return refused.OrNil()
}

func (w *inApp) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	err := w.write(ctx, &refused, func() error {
		valid, again := validate(tasks, &refused)
		if err := w.s.number(ctx, tasks, valid); err != nil {
			return err
		}
		return inChunks(valid, func(i int) int { return len(tasks[i].Params) }, func(part []int) error {
			return w.q.insert(ctx, tasks, part, again, out)
		})
	})
	return out, err
}

func (w *inApp) Complete(ctx context.Context, done []store.Completion) error {
	refused := store.BatchError{Op: opComplete}
	return w.write(ctx, &refused, func() error { return w.q.complete(ctx, done, &refused) })
}

func (w *inApp) Fail(ctx context.Context, failed []store.Failure) error {
	refused := store.BatchError{Op: opFail}
	return w.write(ctx, &refused, func() error { return w.q.fail(ctx, failed, &refused) })
}

func (w *inApp) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	refused := store.BatchError{Op: opReschedule}
	return w.write(ctx, &refused, func() error { return w.q.reschedule(ctx, again, &refused) })
}
