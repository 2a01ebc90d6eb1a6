package store

import (
	"context"
	"sync"
	"time"
)

// An Attempt is one run of a handler, as far as a store is concerned: the owner of the
// transaction that commits together with the run's completion. The engine makes one for each
// run and puts it into the handler's context; a store's own helper, postgres.Tx for one, finds
// its transaction there through [AttemptTx]. Its methods may be called concurrently.
type Attempt struct {
	ctx   attemptContext
	store Store
	lease LeaseID
	lasts time.Duration

	mu    sync.Mutex
	tx    Tx
	ended bool
}

// NewAttempt returns an attempt on s at a task that lease holds. The lease lasts that long from
// when it was claimed or extended. The attempt's transaction, if one is asked for, lives on
// ctx, which is that of the whole run, never a shorter one of the handler's own.
func NewAttempt(ctx context.Context, s Store, lease LeaseID, lasts time.Duration) *Attempt {
	a := new(Attempt)
	a.Init(ctx, s, lease, lasts)
	return a
}

// Init is [NewAttempt] for an Attempt that is part of something else. It is called once, before
// any other method.
func (a *Attempt) Init(ctx context.Context, s Store, lease LeaseID, lasts time.Duration) {
	a.ctx = attemptContext{ctx, a}
	a.store, a.lease, a.lasts = s, lease, lasts
}

// Context returns the run's context, which carries the attempt.
func (a *Attempt) Context() context.Context { return &a.ctx }

// Lease returns the lease that the attempt runs under, and for how long it is extended at a
// time: what a store needs that must bound a transaction.
func (a *Attempt) Lease() (id LeaseID, lasts time.Duration) { return a.lease, a.lasts }

// Tx returns the attempt's transaction and opens it at the first call, through [Begin] with a
// context that carries the attempt. After End the error is [ErrNoAttempt].
func (a *Attempt) Tx() (Tx, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return nil, ErrNoAttempt
	}
	if a.tx == nil {
		tx, err := Begin(&a.ctx, a.store)
		if err != nil {
			return nil, err
		}
		a.tx = tx
	}
	return a.tx, nil
}

// End ends the handler's access and returns its transaction for the caller to commit or roll
// back: nil if none was opened.
func (a *Attempt) End() Tx {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	return a.tx
}

type attemptKey struct{}

// An attemptContext carries an attempt, of which it is a part: runs are many, and short.
type attemptContext struct {
	context.Context
	attempt *Attempt
}

func (c *attemptContext) Value(key any) any {
	if key == (attemptKey{}) {
		return c.attempt
	}
	return c.Context.Value(key)
}

// WithAttempt returns a context that carries a.
func WithAttempt(ctx context.Context, a *Attempt) context.Context { return &attemptContext{ctx, a} }

// AttemptFrom returns the attempt that ctx carries: of a handler's context, and of the one that
// its transaction is begun with.
func AttemptFrom(ctx context.Context) (*Attempt, bool) {
	a, ok := ctx.Value(attemptKey{}).(*Attempt)
	return a, ok
}

// AttemptTx returns the transaction of the attempt that ctx belongs to, opened now if it was
// not yet. What is written through it happens if and only if the attempt completes. The engine
// commits it, so it is offered as a mere [Writer]; a store's helper uses [AttemptTxAs].
// Outside a handler, and after the handler returned, the error is [ErrNoAttempt].
func AttemptTx(ctx context.Context) (Writer, error) {
	a, ok := AttemptFrom(ctx)
	if !ok {
		return nil, ErrNoAttempt
	}
	return a.Tx()
}

// AttemptTxAs is [AttemptTx] for a store's own helper: it returns the transaction as the type T,
// which that store's Begin makes, itself or behind a chain of Unwrap() Writer methods. In an
// attempt on another store the error is [ErrNoAttempt].
func AttemptTxAs[T Writer](ctx context.Context) (T, error) {
	var none T
	w, err := AttemptTx(ctx)
	for err == nil {
		if t, ok := w.(T); ok {
			return t, nil
		}
		u, ok := w.(interface{ Unwrap() Writer })
		if !ok {
			return none, ErrNoAttempt
		}
		w = u.Unwrap()
	}
	return none, err
}
