package redis

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// Begin implements [store.Beginner]: what is written is kept, and made by one script at the commit. Ids
// are known at once, verdicts at the commit.
func (s *Store) Begin(ctx context.Context) (store.Tx, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	return store.Gather(ctx, store.Gathering{Number: s.numberAll, Commit: s.commit}), nil
}

// WithTx implements [store.Store].
func (s *Store) WithTx(ctx context.Context, fn func(ctx context.Context, tx store.Writer) error) error {
	return store.RunTx(ctx, s, fn)
}

func (s *Store) numberAll(ctx context.Context, tasks []store.NewTask) error {
	all := make([]int, len(tasks))
	for i := range all {
		all[i] = i
	}
	return s.number(ctx, tasks, all)
}

// commit makes all that replay writes, or nothing.
func (s *Store) commit(ctx context.Context, replay func(ctx context.Context, w store.Writer) error) error {
	w := &txWriter{}
	if err := replay(ctx, w); err != nil {
		return store.Definite(err)
	}
	if err := s.apply(ctx, &w.batch, true); err != nil {
		return err
	}
	for _, refused := range w.refused {
		if err := refused.OrNil(); err != nil {
			return err
		}
	}
	return nil
}

// A txWriter collects what a transaction has written. All of it was validated before.
type txWriter struct {
	batch
	refused []*store.BatchError
}

func (w *txWriter) op(name string) *store.BatchError {
	refused := &store.BatchError{Op: name}
	w.refused = append(w.refused, refused)
	return refused
}

func (w *txWriter) Insert(_ context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	for i := range tasks {
		w.insert(&tasks[i], true, &out[i])
	}
	return out, nil
}

func (w *txWriter) Complete(_ context.Context, done []store.Completion) error {
	w.complete(done, w.op(opComplete))
	return nil
}

func (w *txWriter) Fail(_ context.Context, failed []store.Failure) error {
	w.fail(failed, w.op(opFail))
	return nil
}

func (w *txWriter) Reschedule(_ context.Context, again []store.Rescheduling) error {
	w.reschedule(again, w.op(opReschedule))
	return nil
}
