package store_test

import (
	"context"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// writes is what was written, in the order of the batches of each kind.
type writes struct {
	inserted    []store.NewTask
	completed   []store.Completion
	failed      []store.Failure
	rescheduled []store.Rescheduling
}

func (w *writes) count() int {
	return len(w.inserted) + len(w.completed) + len(w.failed) + len(w.rescheduled)
}

// fakeStore has the six methods and no capability. It keeps what is written to it.
type fakeStore struct {
	refuse error // what Complete returns, if set

	mu   sync.Mutex
	kept writes
	txs  int // calls of WithTx
}

func (s *fakeStore) Insert(_ context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	s.kept.inserted = append(s.kept.inserted, tasks...)
	return make([]store.Inserted, len(tasks)), nil
}

func (s *fakeStore) Complete(_ context.Context, done []store.Completion) error {
	if s.refuse != nil {
		return s.refuse
	}
	s.kept.completed = append(s.kept.completed, done...)
	return nil
}

func (s *fakeStore) Fail(_ context.Context, failed []store.Failure) error {
	s.kept.failed = append(s.kept.failed, failed...)
	return nil
}

func (s *fakeStore) Reschedule(_ context.Context, again []store.Rescheduling) error {
	s.kept.rescheduled = append(s.kept.rescheduled, again...)
	return nil
}

func (s *fakeStore) ClaimDue(context.Context, store.Claim) ([]store.Task, error) { return nil, nil }

// WithTx stages the writes in a second fakeStore and takes them over if fn succeeds.
func (s *fakeStore) WithTx(ctx context.Context, fn func(context.Context, store.Writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txs++
	staged := fakeStore{refuse: s.refuse}
	if err := fn(ctx, &staged); err != nil {
		return err
	}
	s.kept = staged.kept
	return nil
}

// wrapper passes everything on, and offers what it wraps.
type wrapper struct{ store.Store }

func (w wrapper) Unwrap() store.Store { return w.Store }

// opaque passes everything on, and hides what it wraps.
type opaque struct{ store.Store }

// beginningStore counts the transactions that it opens.
type beginningStore struct {
	fakeStore

	refuseBegin error
	begun       int
	begunWith   context.Context // of the last Begin
}

type fakeTx struct{ store.Tx }

func (s *beginningStore) Begin(ctx context.Context) (store.Tx, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuseBegin != nil {
		return nil, s.refuseBegin
	}
	s.begun++
	s.begunWith = ctx
	return &fakeTx{}, nil
}

// closingStore counts the calls of Close.
type closingStore struct {
	fakeStore

	err    error
	closed int
}

func (s *closingStore) Close() error {
	s.closed++
	return s.err
}
