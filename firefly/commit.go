package firefly

import (
	"context"
	"errors"
	"fmt"

	"github.com/fireflytasks/go-firefly/store"
)

// commit completes a run: at the settler's leisure, or if the handler opened its transaction or
// staged tasks, now and together with those.
func (w *Worker) commit(r *run, a *attempt, returned []byte) verdict {
	tx, staged, fates := a.end()
	completed := verdict{outcome: Completed, returned: returned}
	if tx == nil && len(staged) == 0 {
		return completed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), w.callTimeout())
	defer cancel()
	done := []store.Completion{{ID: r.task.ID, Lease: r.lease.id, Returned: returned}}
	var inserted []store.Inserted
	write := func(ctx context.Context, tx store.Writer) (err error) {
		if err := tx.Complete(ctx, done); err != nil || len(staged) == 0 {
			return err
		}
		inserted, err = tx.Insert(ctx, staged)
		return err
	}
	var sent bool
	var err error
	if tx != nil {
		sent, err = writeAndCommit(ctx, tx, write)
	} else {
		sent, err = writeInTx(ctx, w.store, write)
		parents, ok := store.As[store.ParentCompleter](w.store)
		if ok && !sent && errors.Is(err, errors.ErrUnsupported) { // its outbox does as well
			inserted, err = parents.CompleteParent(ctx, done[0], staged)
			sent = true // for all we know
		}
	}
	switch {
	case err == nil:
		record(fates, staged, inserted, nil)
		completed.settled = true
		return completed
	case !store.IsDefinite(err): // no fault of the handler's; releasing finds out, if need be
		w.trouble("commit failed or in doubt, releasing the task", err)
		return verdict{outcome: Released, doubt: sent, err: err}
	case r.ctx.Err() == nil && passing(err) && !errors.Is(err, store.ErrConflict):
		w.trouble("commit failed, releasing the task", err)
		return verdict{outcome: Released, err: err}
	case errors.Is(err, store.ErrLeaseLost):
		return verdict{outcome: Lost, err: err, settled: true}
	case errors.Is(err, errors.ErrUnsupported):
		return verdict{outcome: Failed, err: fmt.Errorf("commit with the tasks that the handler scheduled: %w: "+
			"schedule through client.In(client.Store()) to do without a transaction", err)}
	default:
		return r.judge(fmt.Errorf("commit: %w", err))
	}
}

// writeAndCommit reports whether the commit was sent: before that, an error is no doubt.
func writeAndCommit(ctx context.Context, tx store.Tx, write func(context.Context, store.Writer) error) (sent bool, err error) {
	if err := write(ctx, tx); err != nil {
		return false, err
	}
	return true, tx.Commit(ctx)
}

// writeInTx is writeAndCommit for a transaction of its own.
func writeInTx(ctx context.Context, s store.Store, write func(context.Context, store.Writer) error) (sent bool, err error) {
	err = s.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
		err := write(ctx, tx)
		sent = err == nil
		return err
	})
	return sent, err
}
