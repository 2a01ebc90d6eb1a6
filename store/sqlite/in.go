package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fireflytasks/go-firefly/store"
)

// In returns a writer in a transaction of the application's own, on the same file: what is
// written through it happens if and only if tx commits. The transaction must have been begun
// with a write (BEGIN IMMEDIATE: the driver's option _txlock=immediate), or its first write may
// fail because another came before; and its connection must run with synchronous=FULL, or the
// last commits may be lost with the power. Errors are of the items' own, as from a Tx; any other
// one means that tx is to be rolled back.
func (s *Store) In(tx *sql.Tx) store.Writer { return &inApp{s, tx} }

type inApp struct {
	s  *Store
	tx *sql.Tx
}

// do runs one call in the application's transaction.
func (w *inApp) do(ctx context.Context, refused *store.BatchError, call func(q *session) error) error {
	select {
	case <-w.s.done:
		return store.ErrClosed
	default:
	}
	q := w.s.session(ctx)
	q.app, q.inTx = w.tx, true
	var synchronous int
	if err := w.tx.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return fmt.Errorf("sqlite: the application's transaction: %w", err)
	}
	if synchronous < 2 {
		return store.Definite(errors.New("sqlite: the application's connection runs with synchronous below FULL: " +
			"open the database with _pragma=synchronous(full)"))
	}
	if err := errors.Join(call(q), q.flushCounts()); err != nil {
		return fmt.Errorf("sqlite: the application's transaction: %w", explain(err))
	}
	return refused.OrNil()
}

func (w *inApp) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	err := w.do(ctx, &refused, func(q *session) error { return q.insertAll(tasks, out, &refused) })
	return out, err
}

func (w *inApp) Complete(ctx context.Context, done []store.Completion) error {
	return settleInApp(ctx, w, "complete", done, (*session).complete)
}

func (w *inApp) Fail(ctx context.Context, failed []store.Failure) error {
	return settleInApp(ctx, w, "fail", failed, (*session).fail)
}

func (w *inApp) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return settleInApp(ctx, w, "reschedule", again, (*session).reschedule)
}

func settleInApp[T any](ctx context.Context, w *inApp, op string, items []T, apply func(*session, T) (int64, error)) error {
	refused := store.BatchError{Op: op}
	return w.do(ctx, &refused, func(q *session) error { return applyAll(q, items, apply, &refused) })
}
