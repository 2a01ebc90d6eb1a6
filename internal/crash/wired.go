package crash

import (
	"context"
	"errors"
	"time"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/store"
)

// A wired store is called through a gate and a wire, as one in another process.
type wired struct {
	store.Full

	gate *gate
	wire *wire
}

// call makes a call, unless it does not arrive, and answers, unless that is lost.
func (s *wired) call(ctx context.Context, do func() error) error {
	if err := errors.Join(s.gate.pass(), s.wire.travel(ctx, cut.Request)); err != nil {
		return err
	}
	err := do()
	if lost := errors.Join(s.wire.travel(ctx, cut.Reply), s.gate.pass()); lost != nil {
		return lost
	}
	return err
}

func (s *wired) Insert(ctx context.Context, tasks []store.NewTask) (out []store.Inserted, err error) {
	err = s.call(ctx, func() (err error) { out, err = s.Full.Insert(ctx, tasks); return err })
	return out, err
}

func (s *wired) ClaimDue(ctx context.Context, c store.Claim) (tasks []store.Task, err error) {
	err = s.call(ctx, func() (err error) { tasks, err = s.Full.ClaimDue(ctx, c); return err })
	if err != nil {
		return nil, err
	}
	return tasks, nil
}

func (s *wired) Extend(ctx context.Context, d time.Duration, leases []store.LeaseID) (out []store.Extended, err error) {
	err = s.call(ctx, func() (err error) { out, err = s.Full.Extend(ctx, d, leases); return err })
	return out, err
}

func (s *wired) Complete(ctx context.Context, done []store.Completion) error {
	return s.call(ctx, func() error { return s.Full.Complete(ctx, done) })
}

func (s *wired) Fail(ctx context.Context, failed []store.Failure) error {
	return s.call(ctx, func() error { return s.Full.Fail(ctx, failed) })
}

func (s *wired) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return s.call(ctx, func() error { return s.Full.Reschedule(ctx, again) })
}

func (s *wired) Begin(ctx context.Context) (store.Tx, error) {
	tx, err := s.Full.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &wiredTx{tx, s}, nil
}

// A wiredTx makes one call, to commit.
type wiredTx struct {
	store.Tx
	store *wired
}

// Unwrap lets the store's own helper find its transaction.
func (t *wiredTx) Unwrap() store.Writer { return t.Tx }

func (t *wiredTx) Commit(ctx context.Context) error {
	return t.store.call(ctx, func() error { return t.Tx.Commit(ctx) })
}
