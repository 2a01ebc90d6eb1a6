package store

import (
	"context"
	"slices"
	"sync"
)

// Begin opens a transaction on s: its own kind if s is a [Beginner], else one that gathers the
// writes and makes them in one WithTx when it is committed. Of the latter, ids and verdicts are
// known only then, and ending its ctx only stops further writes.
func Begin(ctx context.Context, s Store) (Tx, error) {
	if b, ok := As[Beginner](s); ok {
		return b.Begin(ctx)
	}
	return &gatheredTx{ctx: ctx, store: s}, nil
}

type gatheredTx struct {
	ctx   context.Context
	store Store

	mu     sync.Mutex
	ended  bool
	writes []func(context.Context, Writer) error
	size   int
}

func (t *gatheredTx) Insert(ctx context.Context, tasks []NewTask) ([]Inserted, error) {
	var refused BatchError
	for i := range tasks {
		if err := tasks[i].Validate(); err != nil {
			refused.Op = "insert"
			refused.Refuse(i, tasks[i].ID, err)
		}
	}
	if err := refused.OrNil(); err != nil {
		return make([]Inserted, len(tasks)), err
	}
	kept := slices.Clone(tasks)
	return make([]Inserted, len(tasks)), t.gather(ctx, len(tasks), func(ctx context.Context, w Writer) error {
		_, err := w.Insert(ctx, kept)
		return err
	})
}

func (t *gatheredTx) Complete(ctx context.Context, done []Completion) error {
	kept := slices.Clone(done)
	return t.gather(ctx, len(done), func(ctx context.Context, w Writer) error { return w.Complete(ctx, kept) })
}

func (t *gatheredTx) Fail(ctx context.Context, failed []Failure) error {
	kept := slices.Clone(failed)
	return t.gather(ctx, len(failed), func(ctx context.Context, w Writer) error { return w.Fail(ctx, kept) })
}

func (t *gatheredTx) Reschedule(ctx context.Context, again []Rescheduling) error {
	kept := slices.Clone(again)
	return t.gather(ctx, len(again), func(ctx context.Context, w Writer) error { return w.Reschedule(ctx, kept) })
}

func (t *gatheredTx) gather(ctx context.Context, n int, write func(context.Context, Writer) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return ErrTxDone
	}
	for _, c := range []context.Context{t.ctx, ctx} {
		if err := c.Err(); err != nil {
			return Definite(err)
		}
	}
	if t.size+n > MaxTx {
		return ErrTxTooLarge
	}
	t.size += n
	t.writes = append(t.writes, write)
	return nil
}

func (t *gatheredTx) Commit(ctx context.Context) error {
	if !t.end() {
		return ErrTxDone
	}
	if err := t.ctx.Err(); err != nil {
		return Definite(err)
	}
	if len(t.writes) == 0 {
		return nil
	}
	return t.store.WithTx(ctx, func(ctx context.Context, w Writer) error {
		for _, write := range t.writes {
			if err := write(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *gatheredTx) Rollback(context.Context) error {
	t.end()
	return nil
}

// end reports whether the transaction was open.
func (t *gatheredTx) end() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	open := !t.ended
	t.ended = true
	return open
}
