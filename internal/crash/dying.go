package crash

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A dyingStore kills its process at a random moment of a call that settles something.
type dyingStore struct {
	store.Store
	victim *victim
}

// Unwrap lets the engine find the store's capabilities. The commits of transactions that it
// begins are caught as well, and the completions of parents: see Begin and CompleteParent.
func (s *dyingStore) Unwrap() store.Store { return s.Store }

// settle makes a settling call. If this is the point the process is killed during the call, or when
// the store has answered and nobody heard it yet. Short delays are as likely as long ones, since a
// call may take two milliseconds or twenty microseconds.
func (s *dyingStore) settle(point Failpoint, call func() error) error {
	if s.victim.Point != point {
		return call()
	}
	if err := note(s.victim.ledger, sentLine); err != nil {
		return err
	}
	time.AfterFunc(rand.N(2*time.Millisecond>>rand.N(8)), die)
	_ = call()
	select {}
}

// ClaimDue claims for the usual time, also for a worker that relies on a longer one.
func (s *dyingStore) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	c.For = s.victim.Lease
	return s.Store.ClaimDue(ctx, c)
}

func (s *dyingStore) Complete(ctx context.Context, done []store.Completion) error {
	return s.settle(Settling, func() error { return s.Store.Complete(ctx, done) })
}

// CompleteParent implements [store.ParentCompleter], if the store does.
func (s *dyingStore) CompleteParent(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
	parents, ok := store.As[store.ParentCompleter](s.Store)
	if !ok {
		return nil, store.Unsupported(s, "ParentCompleter")
	}
	var out []store.Inserted
	err := s.settle(Committing, func() (err error) {
		out, err = parents.CompleteParent(ctx, done, children)
		return err
	})
	return out, err
}

// Begin implements [store.Beginner].
func (s *dyingStore) Begin(ctx context.Context) (store.Tx, error) {
	tx, err := store.Begin(ctx, s.Store)
	if err != nil {
		return tx, err
	}
	return &dyingTx{tx, s}, nil
}

type dyingTx struct {
	store.Tx
	store *dyingStore
}

// Unwrap lets the store's own helper find its transaction.
func (t *dyingTx) Unwrap() store.Writer { return t.Tx }

func (t *dyingTx) Commit(ctx context.Context) error {
	return t.store.settle(Committing, func() error { return t.Tx.Commit(ctx) })
}
