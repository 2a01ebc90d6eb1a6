package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/store"
)

// Begin implements [store.Beginner], in a connection of the application's pool. Its isolation is
// READ COMMITTED.
func (s *Store) Begin(ctx context.Context) (store.Tx, error) { return s.begin(ctx, s.app) }

// WithTx implements [store.Store], in a connection of the store's own.
func (s *Store) WithTx(ctx context.Context, fn func(ctx context.Context, tx store.Writer) error) error {
	return store.RunTx(ctx, beginOn{s, s.own}, fn)
}

// beginOn is a [store.Beginner] on a given pool.
type beginOn struct {
	s    *Store
	pool *pgxpool.Pool
}

func (b beginOn) Begin(ctx context.Context) (store.Tx, error) { return b.s.begin(ctx, b.pool) }

func (s *Store) begin(ctx context.Context, pool *pgxpool.Pool) (store.Tx, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	opened, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return nil, s.undone(err)
	}
	t := &tx{ctx: ctx, session: s.session(opened, true), tx: opened}
	t.mu.Lock() // ctx may end at once
	t.stop = context.AfterFunc(ctx, t.abandon)
	t.mu.Unlock()
	return t, nil
}

// A tx is an open transaction. The connection serves one call at a time, so whoever uses it is
// noted, and the end of the context, which may come at any time, leaves the rollback to them.
type tx struct {
	*session
	ctx  context.Context
	tx   pgx.Tx
	stop func() bool // of what ends the transaction with its context

	mu     sync.Mutex
	busy   bool
	ended  bool
	size   int
	failed error // the first refusal: there is nothing to commit then
}

// rollbackTimeout bounds a rollback, which waits for nothing but the network.
const rollbackTimeout = 5 * time.Second

// errBusy is the answer to a call beside another one.
var errBusy = store.Definite(errors.New("the transaction is in use: close its rows, or its batch, before the next call"))

// use lets a call use the connection, with a context that ends with the transaction's, too. The
// caller calls done when it is through.
func (t *tx) use(ctx context.Context) (in context.Context, done func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ctx.Err() != nil:
		return nil, nil, ended(t.ctx)
	case t.ended:
		return nil, nil, store.ErrTxDone
	case t.busy:
		return nil, nil, errBusy
	}
	if err := ended(ctx); err != nil {
		return nil, nil, err
	}
	t.busy = true
	in, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	return in, sync.OnceFunc(func() {
		stop()
		cancel(nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.busy = false
		if !t.ended && t.ctx.Err() != nil {
			t.rollback()
		}
	}), nil
}

// abandon rolls back when the context has ended.
func (t *tx) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended && !t.busy {
		t.rollback()
	}
}

// rollback gives the connection back. The mutex is held, and nobody uses the connection. If the
// server does not answer in time, the pool drops it, which is a rollback, too.
func (t *tx) rollback() {
	t.ended = true
	t.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), rollbackTimeout)
	defer cancel()
	_ = t.tx.Rollback(ctx)
}

// write makes one call of the transaction, of n writes.
func (t *tx) write(ctx context.Context, n int, refused *store.BatchError, call func(ctx context.Context) error) error {
	in, done, err := t.use(ctx)
	if err != nil {
		return err
	}
	defer done()
	t.size += n
	err = store.ErrTxTooLarge
	if t.size <= store.MaxTx {
		if err = t.inTime(call(in)); err == nil {
			err = refused.OrNil()
		}
	}
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// inTime explains the error of a call that did not commit anything, so it is definite.
func (t *tx) inTime(err error) error {
	switch {
	case err == nil:
		return nil
	case noPartition(err): // in the next try there is one
		t.beside.Go(func(ctx context.Context) { _ = t.makePartitions(ctx) })
		return errors.Join(store.ErrConflict, err)
	case t.ctx.Err() != nil:
		return ended(t.ctx)
	default:
		return store.Definite(t.explain(err))
	}
}

func (t *tx) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	valid, again := validate(tasks, &refused)
	if t.size+len(tasks) <= store.MaxTx && len(refused.Refused) == 0 && t.open() {
		if err := t.number(ctx, tasks, valid); err != nil {
			return nil, err
		}
	}
	err := t.write(ctx, len(tasks), &refused, func(ctx context.Context) error {
		if len(refused.Refused) > 0 {
			return nil
		}
		return t.insert(ctx, tasks, valid, again, out)
	})
	return out, err
}

func (t *tx) open() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.ended
}

func (t *tx) Complete(ctx context.Context, done []store.Completion) error {
	refused := store.BatchError{Op: opComplete}
	return t.write(ctx, len(done), &refused, func(ctx context.Context) error { return t.complete(ctx, done, &refused) })
}

func (t *tx) Fail(ctx context.Context, failed []store.Failure) error {
	refused := store.BatchError{Op: opFail}
	return t.write(ctx, len(failed), &refused, func(ctx context.Context) error { return t.fail(ctx, failed, &refused) })
}

func (t *tx) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	refused := store.BatchError{Op: opReschedule}
	return t.write(ctx, len(again), &refused, func(ctx context.Context) error { return t.reschedule(ctx, again, &refused) })
}

// Conflicted implements [store.ConflictTx].
func (t *tx) Conflicted(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && conflict(pg)
}

// Commit implements [store.Tx].
func (t *tx) Commit(ctx context.Context) error {
	in, done, err := t.use(ctx)
	if err != nil {
		return err
	}
	defer done()
	if t.failed != nil {
		t.finish(func() { t.rollback() })
		return t.failed
	}
	t.finish(func() {
		t.ended = true
		t.stop()
		err = t.explain(t.tx.Commit(in))
	})
	if err == nil {
		t.committed()
	}
	return err
}

// finish ends the transaction under its mutex.
func (t *tx) finish(how func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	how()
}

// Rollback implements [store.Tx].
func (t *tx) Rollback(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.rollback() // rows that a handler left open go with it
	}
	return nil
}
