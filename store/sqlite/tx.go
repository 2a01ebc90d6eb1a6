package sqlite

import (
	"context"
	"errors"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// A tx holds the write lock until it ends.
type tx struct {
	*session
	cancel  context.CancelFunc
	stop    func() bool // of what ends the transaction with its context
	attempt *store.Attempt

	mu     sync.Mutex
	ended  bool
	size   int
	failed error // the first refusal: there is nothing to commit then
}

// Begin implements [store.Beginner]. A handler's transaction ends after a third of its lease:
// see [ErrTxTooLong]. Until then it keeps the extension of leases waiting, but also every claim
// that could take a task back.
func (s *Store) Begin(ctx context.Context) (store.Tx, error) {
	if err := s.openTx(ctx); err != nil {
		return nil, err
	}
	attempt, _ := store.AttemptFrom(ctx)
	cancel := func() {}
	if attempt != nil { // the time that others took does not count
		_, lasts := attempt.Lease()
		ctx, cancel = context.WithTimeoutCause(ctx, lasts/3, ErrTxTooLong)
	}
	t := &tx{session: s.session(ctx), cancel: cancel, attempt: attempt}
	t.inTx = true
	s.holder.Store(attempt)
	t.mu.Lock() // ctx may end at once
	t.stop = context.AfterFunc(ctx, func() { _ = t.Rollback(ctx) })
	t.mu.Unlock()
	return t, nil
}

// openTx takes the write lock for longer than a call.
func (s *Store) openTx(ctx context.Context) error {
	if err := s.locked(ctx); err != nil {
		return err
	}
	err := s.reserve(ctx, store.MaxTx)
	if err == nil {
		err = s.begin(ctx)
	}
	if err != nil {
		s.unlock()
	}
	return err
}

// WithTx implements [store.Store].
func (s *Store) WithTx(ctx context.Context, fn func(ctx context.Context, tx store.Writer) error) error {
	return store.RunTx(ctx, s, fn)
}

// do runs one call of the transaction, of n writes.
func (t *tx) do(ctx context.Context, n int, refused *store.BatchError, call func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	t.size += n
	err := store.ErrTxTooLarge
	if t.size <= store.MaxTx {
		t.at = max(t.at, t.now())
		if err = call(); err == nil {
			err = refused.OrNil()
		}
	}
	if err != nil && t.failed == nil {
		t.failed = store.Definite(explain(err))
	}
	return store.Definite(explain(err))
}

// usable reports why the transaction cannot be used, if so.
func (t *tx) usable(ctx context.Context) error {
	switch {
	case t.ended && errors.Is(context.Cause(t.ctx), ErrTxTooLong):
		return ErrTxTooLong
	case t.ended && t.ctx.Err() != nil:
		return ended(t.ctx)
	case t.ended:
		return store.ErrTxDone
	case t.ctx.Err() != nil:
		return ended(t.ctx)
	default:
		return ended(ctx)
	}
}

func (t *tx) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	err := t.do(ctx, len(tasks), &refused, func() error { return t.insertAll(tasks, out, &refused) })
	return out, err
}

func (t *tx) Complete(ctx context.Context, done []store.Completion) error {
	return settleIn(ctx, t, "complete", done, (*session).complete)
}

func (t *tx) Fail(ctx context.Context, failed []store.Failure) error {
	return settleIn(ctx, t, "fail", failed, (*session).fail)
}

func (t *tx) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return settleIn(ctx, t, "reschedule", again, (*session).reschedule)
}

func settleIn[T any](ctx context.Context, t *tx, op string, items []T, apply func(*session, T) (int64, error)) error {
	refused := store.BatchError{Op: op}
	return t.do(ctx, len(items), &refused, func() error { return applyAll(t.session, items, apply, &refused) })
}

// Commit implements [store.Tx].
func (t *tx) Commit(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	defer t.end()
	err := t.failed
	if err == nil {
		err = t.flushCounts()
	}
	if err != nil {
		t.rollback()
		return store.Definite(explain(err))
	}
	if err := t.commit(); err != nil {
		return err
	}
	t.board.Announce(&t.news)
	return nil
}

// Rollback implements [store.Tx].
func (t *tx) Rollback(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.rollback()
		t.end()
	}
	return nil
}

// end gives the write lock back.
func (t *tx) end() {
	t.ended = true
	t.stop()
	t.holder.Store(nil)
	t.unlock()
	if t.ctx.Err() == nil {
		t.cancel()
	}
}
