package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// newAttempt returns an attempt on s under a lease that is of no matter.
func newAttempt(ctx context.Context, s store.Store) *store.Attempt {
	return store.NewAttempt(ctx, s, store.NewLeaseID(), time.Minute)
}

func TestAttemptOpensItsTransactionOnce(t *testing.T) {
	s := &beginningStore{}
	ctx := store.WithAttempt(t.Context(), newAttempt(t.Context(), s))
	if s.begun != 0 {
		t.Fatal("a transaction is open before it was asked for")
	}
	const callers = 16
	got := make([]store.Writer, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			w, err := store.AttemptTx(ctx)
			if err != nil {
				t.Error(err)
			}
			got[i] = w
		})
	}
	wg.Wait()
	if s.begun != 1 {
		t.Errorf("%d transactions were opened, want 1", s.begun)
	}
	for i, w := range got {
		if w == nil || w != got[0] {
			t.Errorf("caller %d got %v, want what the first got", i, w)
		}
	}
}

func TestAttemptEndHandsOverTheTransaction(t *testing.T) {
	a := newAttempt(t.Context(), &beginningStore{})
	ctx := store.WithAttempt(t.Context(), a)
	opened, err := a.Tx()
	if err != nil {
		t.Fatal(err)
	}
	if got := a.End(); got != opened {
		t.Errorf("End returned %v, want %v", got, opened)
	}
	requireNoAttempt(ctx, t)
	if tx, err := a.Tx(); tx != nil || !errors.Is(err, store.ErrNoAttempt) {
		t.Errorf("after End, Tx returned %v and error %v", tx, err)
	}
}

func TestAttemptThatNeverAskedOpensNothing(t *testing.T) {
	s := &beginningStore{}
	a := newAttempt(t.Context(), s)
	if tx := a.End(); tx != nil {
		t.Errorf("End returned %v, want nil", tx)
	}
	requireNoAttempt(store.WithAttempt(t.Context(), a), t)
	if s.begun != 0 {
		t.Errorf("%d transactions were opened, want none", s.begun)
	}
}

func TestAttemptTxOutsideAHandler(t *testing.T) { requireNoAttempt(t.Context(), t) }

func requireNoAttempt(ctx context.Context, t *testing.T) {
	t.Helper()
	if w, err := store.AttemptTx(ctx); w != nil || !errors.Is(err, store.ErrNoAttempt) {
		t.Errorf("got %v and error %v, want ErrNoAttempt", w, err)
	}
}

func TestAttemptTriesAgainAfterAFailedBegin(t *testing.T) {
	s := &beginningStore{refuseBegin: store.ErrConflict}
	ctx := store.WithAttempt(t.Context(), newAttempt(t.Context(), s))
	if w, err := store.AttemptTx(ctx); w != nil || !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v and error %v, want that of Begin", w, err)
	}
	s.refuseBegin = nil
	if w, err := store.AttemptTx(ctx); w == nil || err != nil {
		t.Errorf("got %v and error %v", w, err)
	}
}

// A handler that narrows its context must not narrow the transaction's.
func TestAttemptTxLivesOnTheRunsContext(t *testing.T) {
	s := &fakeStore{}
	run, cancelRun := context.WithCancel(t.Context())
	a := newAttempt(run, s)
	short, cancel := context.WithCancel(store.WithAttempt(run, a))
	w, err := store.AttemptTx(short)
	requireNil(t, err)
	requireNil(t, w.Complete(short, []store.Completion{{ID: 1}}))
	cancel()
	requireNil(t, w.Complete(run, []store.Completion{{ID: 2}}))
	cancelRun()
	requireRefused(t, w.Complete(t.Context(), []store.Completion{{ID: 3}}), context.Canceled)
	requireRefused(t, a.End().Commit(t.Context()), context.Canceled)
	requireWrites(t, s, 0)
}

func TestInnermostAttemptWins(t *testing.T) {
	outer, inner := &beginningStore{}, &beginningStore{}
	ctx := store.WithAttempt(t.Context(), newAttempt(t.Context(), outer))
	ctx = store.WithAttempt(ctx, newAttempt(t.Context(), inner))
	if _, err := store.AttemptTx(ctx); err != nil {
		t.Fatal(err)
	}
	if outer.begun != 0 || inner.begun != 1 {
		t.Errorf("%d transactions of the outer attempt, %d of the inner", outer.begun, inner.begun)
	}
}

func TestAttemptKnowsItsLease(t *testing.T) {
	want := store.NewLeaseID()
	a := store.NewAttempt(t.Context(), &fakeStore{}, want, 30*time.Second)
	if id, lasts := a.Lease(); id != want || lasts != 30*time.Second {
		t.Errorf("got %s for %s, want %s for 30s", id, lasts, want)
	}
}

func TestAttemptFrom(t *testing.T) {
	if a, ok := store.AttemptFrom(t.Context()); a != nil || ok {
		t.Errorf("got %v outside a handler", a)
	}
	want := newAttempt(t.Context(), &fakeStore{})
	if got, ok := store.AttemptFrom(store.WithAttempt(t.Context(), want)); got != want || !ok {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAttemptBeginsWithAContextThatCarriesIt(t *testing.T) {
	s := &beginningStore{}
	a := newAttempt(t.Context(), s)
	if _, err := a.Tx(); err != nil {
		t.Fatal(err)
	}
	if got, _ := store.AttemptFrom(s.begunWith); got != a {
		t.Errorf("Begin was called with the attempt %v, want %v", got, a)
	}
}

type wrappedTx struct{ store.Tx }

func (w wrappedTx) Unwrap() store.Writer { return w.Tx }

type wrappingStore struct{ *beginningStore }

func (s wrappingStore) Begin(ctx context.Context) (store.Tx, error) {
	tx, err := s.beginningStore.Begin(ctx)
	return wrappedTx{tx}, err
}

func TestAttemptTxAs(t *testing.T) {
	ctx := store.WithAttempt(t.Context(), newAttempt(t.Context(), wrappingStore{&beginningStore{}}))
	if _, err := store.AttemptTxAs[wrappedTx](ctx); err != nil {
		t.Errorf("as the outermost: %v", err)
	}
	if _, err := store.AttemptTxAs[*fakeTx](ctx); err != nil {
		t.Errorf("as what is wrapped: %v", err)
	}
	if _, err := store.AttemptTxAs[*otherTx](ctx); !errors.Is(err, store.ErrNoAttempt) {
		t.Errorf("as another store's: %v", err)
	}
}

// An otherTx is of a store that the attempt is not on.
type otherTx struct{ store.Tx }
