package memory

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// A tx gathers writes and applies them at its commit, all or none, under the store's lock.
type tx struct {
	ctx   context.Context
	store *Store

	mu     sync.Mutex
	ended  bool
	size   int
	writes []func() error // each called with the store locked
	failed error          // the first refusal: there is nothing to commit then
}

// Begin implements [store.Beginner].
func (s *Store) Begin(ctx context.Context) (store.Tx, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Unlock()
	return &tx{ctx: ctx, store: s}, nil
}

// WithTx implements [store.Store].
func (s *Store) WithTx(ctx context.Context, fn func(ctx context.Context, tx store.Writer) error) error {
	return store.RunTx(ctx, s, fn)
}

// Insert gives the tasks their ids at once. What it says about unique keys still holds at the
// commit, or that is a conflict.
func (t *tx) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	kept := make([]store.NewTask, len(tasks))
	check := func() error {
		refused := store.BatchError{Op: opInsert}
		for i := range tasks {
			if err := tasks[i].Validate(); err != nil {
				refused.Refuse(i, tasks[i].ID, err)
				continue
			}
			t.store.number(&tasks[i])
			kept[i] = tasks[i].Clone()
		}
		if len(refused.Refused) == 0 {
			t.foresee(kept, out)
		}
		return refused.OrNil()
	}
	write := func() error {
		for i := range kept {
			if now := t.store.insert(&kept[i]); now.ID != out[i].ID || now.Outcome != out[i].Outcome {
				return store.ErrConflict
			}
		}
		return nil
	}
	err := t.gather(ctx, len(tasks), check, write)
	return slices.Clone(out), err
}

// foresee says what would become of tasks now. Only unique keys make that a question, which
// the transaction's earlier writes have a part in: so all is done, and undone.
func (t *tx) foresee(tasks []store.NewTask, out []store.Inserted) {
	unique := false
	for i := range tasks {
		out[i] = store.Inserted{ID: tasks[i].ID}
		unique = unique || tasks[i].UniqueKey != ""
	}
	if !unique {
		return
	}
	_ = t.store.tentatively(func() error {
		_ = t.apply() // a refusal is for the commit to report
		for i := range tasks {
			now := t.store.insert(&tasks[i])
			out[i] = store.Inserted{ID: now.ID, Outcome: now.Outcome}
		}
		return errForeseen
	})
}

var errForeseen = errors.New("only foreseen")

func (t *tx) Complete(ctx context.Context, done []store.Completion) error {
	return gatherAll(ctx, t, "complete", done, store.Completion.Clone, t.store.complete)
}

func (t *tx) Fail(ctx context.Context, failed []store.Failure) error {
	return gatherAll(ctx, t, "fail", failed, store.Failure.Clone, t.store.fail)
}

func (t *tx) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return gatherAll(ctx, t, "reschedule", again, store.Rescheduling.Clone, t.store.reschedule)
}

// gatherAll keeps a copy of items to apply at the commit.
func gatherAll[T any](ctx context.Context, t *tx, op string, items []T, clone func(T) T, apply func(T) (int64, error)) error {
	kept := make([]T, len(items))
	for i, item := range items {
		kept[i] = clone(item)
	}
	nothing := func() error { return nil }
	return t.gather(ctx, len(items), nothing, func() error { return applyAll(op, kept, apply) })
}

// gather checks a write of n items with the store locked, and keeps it for the commit.
func (t *tx) gather(ctx context.Context, n int, check, write func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return store.ErrTxDone
	}
	if err := t.enter(ctx); err != nil {
		return err
	}
	defer t.store.mu.Unlock()
	t.size += n
	err := store.ErrTxTooLarge
	if t.size <= store.MaxTx {
		err = check()
	}
	if err != nil {
		if t.failed == nil {
			t.failed = err
		}
		return err
	}
	t.writes = append(t.writes, write)
	return nil
}

// enter locks the store, if neither ctx nor the transaction's own has ended.
func (t *tx) enter(ctx context.Context) error {
	if err := t.ctx.Err(); err != nil {
		return store.Definite(err)
	}
	return t.store.enter(ctx)
}

func (t *tx) apply() error {
	for _, write := range t.writes {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// Commit implements [store.Tx].
func (t *tx) Commit(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		return store.ErrTxDone
	case t.failed != nil:
		t.ended = true
		return t.failed
	}
	t.ended = true
	if err := t.enter(ctx); err != nil {
		return err
	}
	defer t.store.mu.Unlock()
	return t.store.tentatively(t.apply)
}

// Rollback implements [store.Tx].
func (t *tx) Rollback(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.writes = true, nil
	return nil
}

// tentatively calls change, and takes back what it did if it returns an error.
func (s *Store) tentatively(change func() error) error {
	var undo []func()
	s.undo = &undo
	err := change()
	s.undo = nil
	if err != nil {
		for _, back := range slices.Backward(undo) {
			back()
		}
		return err
	}
	s.announceAll()
	return nil
}
