package store

import (
	"context"
	"sync"
)

// Begin opens a transaction on s: its own kind if s is a [Beginner], else one that gathers the
// writes and makes them in one WithTx when it is committed. Of the latter, ids and verdicts are
// known only then, and ending its ctx only stops further writes.
func Begin(ctx context.Context, s Store) (Tx, error) {
	if b, ok := As[Beginner](s); ok {
		return b.Begin(ctx)
	}
	return Gather(ctx, Gathering{Commit: s.WithTx}), nil
}

// A Gathering says how a store makes a transaction of writes that were gathered.
type Gathering struct {
	// Number gives the tasks ids, so that they are known at once. It may be nil: then they are
	// known when the transaction is committed.
	Number func(ctx context.Context, tasks []NewTask) error
	// Commit makes all writes, or none: those that replay makes on whatever Writer it is given.
	Commit func(ctx context.Context, replay func(ctx context.Context, w Writer) error) error
}

// Gather returns a transaction that keeps what is written, and hands it over when it is committed:
// for stores whose servers take a transaction in one piece. It refuses what is invalid or too much
// at once, and is over when ctx ends.
func Gather(ctx context.Context, g Gathering) Tx { return &gatheredTx{ctx: ctx, Gathering: g} }

// RunTx runs fn in a transaction of b: it is WithTx for a store that has Begin.
func RunTx(ctx context.Context, b Beginner, fn func(ctx context.Context, tx Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := b.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit, nothing to do
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

type gatheredTx struct {
	Gathering
	ctx context.Context

	mu     sync.Mutex
	ended  bool
	writes []func(context.Context, Writer) error
	size   int
	failed error // of the first write that was refused; there is nothing to commit then
}

func (t *gatheredTx) Insert(ctx context.Context, tasks []NewTask) ([]Inserted, error) {
	refused := BatchError{Op: "insert"}
	for i := range tasks {
		if err := tasks[i].Validate(); err != nil {
			refused.Refuse(i, tasks[i].ID, err)
		}
	}
	if t.Number != nil && len(refused.Refused) == 0 && len(tasks) <= MaxTx && t.open() {
		if err := t.Number(ctx, tasks); err != nil {
			return nil, err
		}
	}
	kept := make([]NewTask, len(tasks))
	out := make([]Inserted, len(tasks))
	for i := range tasks {
		kept[i] = tasks[i].Clone()
		out[i].ID = tasks[i].ID
	}
	return out, t.gather(ctx, len(tasks), &refused, func(ctx context.Context, w Writer) error {
		_, err := w.Insert(ctx, kept)
		return err
	})
}

func (t *gatheredTx) open() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.ended && t.ctx.Err() == nil
}

func (t *gatheredTx) Complete(ctx context.Context, done []Completion) error {
	refused := BatchError{Op: "complete"}
	kept := make([]Completion, len(done))
	for i, d := range done {
		if err := CheckReturned(d.Returned); err != nil {
			refused.Refuse(i, d.ID, err)
		}
		kept[i] = d.Clone()
	}
	return t.gather(ctx, len(done), &refused, func(ctx context.Context, w Writer) error { return w.Complete(ctx, kept) })
}

func (t *gatheredTx) Fail(ctx context.Context, failed []Failure) error {
	kept := make([]Failure, len(failed))
	for i, f := range failed {
		kept[i] = f.Clone()
	}
	return t.gather(ctx, len(failed), nil, func(ctx context.Context, w Writer) error { return w.Fail(ctx, kept) })
}

func (t *gatheredTx) Reschedule(ctx context.Context, again []Rescheduling) error {
	kept := make([]Rescheduling, len(again))
	for i, r := range again {
		kept[i] = r.Clone()
	}
	return t.gather(ctx, len(again), nil, func(ctx context.Context, w Writer) error { return w.Reschedule(ctx, kept) })
}

// gather keeps a write of n items until the commit, unless some of them are refused already.
func (t *gatheredTx) gather(ctx context.Context, n int, refused *BatchError, write func(context.Context, Writer) error) error {
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
	t.size += n
	var err error
	if t.size > MaxTx {
		err = ErrTxTooLarge
	} else if refused != nil {
		err = refused.OrNil()
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

func (t *gatheredTx) Commit(ctx context.Context) error {
	if !t.end() {
		return ErrTxDone
	}
	if t.failed != nil {
		return t.failed
	}
	if err := t.ctx.Err(); err != nil {
		return Definite(err)
	}
	if len(t.writes) == 0 {
		return nil
	}
	return t.Gathering.Commit(ctx, func(ctx context.Context, w Writer) error {
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
