package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

var txCases = slices.Concat(txAtomicCases, txFenceCases, txBeginCases)

var txAtomicCases = []testCase{
	{
		name: "TxEffectsAtomic", rule: 14, tx: true, run: txEffectsAtomic,
		says: "a completion, a failure, a retry and an insertion in one transaction all happen",
	},
	{
		name: "TxRollbackLeavesRunning", rule: 14, tx: true, run: txRollbackLeavesRunning,
		says: "a transaction whose function failed leaves its tasks as they were, with their lease",
	},
	{
		name: "TxStaleLeaseRollsBack", rule: 14, tx: true, run: txStaleLeaseRollsBack,
		says: "one item under a lost lease rolls back all writes of its transaction",
	},
	{
		name: "TxTwoAttemptsOneEffect", rule: 6, tx: true, run: txTwoAttemptsOneEffect,
		says: "of two attempts at one task, only that which holds the lease commits its writes",
	},
	{
		name: "TxPanicRollsBack", rule: 14, tx: true, run: txPanicRollsBack,
		says: "a panic in the function rolls back and goes on, and the store works on",
	},
	{
		name: "TxContextEndRollsBack", rule: 14, tx: true, run: txContextEndRollsBack,
		says: "a transaction whose context ends before its commit changes nothing, and the store works on",
	},
	{
		name: "TxOwnErrorReturned", rule: 14, tx: true, run: txOwnErrorReturned,
		says: "the function's own error comes back, and with it the batch error of a refused item",
	},
	{
		name: "TxTooLargeRefused", rule: 14, tx: true, run: txTooLargeRefused,
		says: "a transaction of more than MaxTx writes is refused and changes nothing",
	},
	{
		name: "TxInvalidRefused", rule: 2, tx: true, run: txInvalidRefused,
		says: "an invalid task rolls its transaction back, named in a batch error",
	},
	{
		name: "TxKeyFreedInside", rule: 13, tx: true, run: txKeyFreedInside,
		says: "a transaction sees its own writes: a key that it frees it may take",
	},
	{
		name: "TxKeyTakenTwiceInside", rule: 13, tx: true, run: txKeyTakenTwiceInside,
		says: "two tasks of one transaction do not both get a key",
	},
	{
		name: "TxEmpty", rule: 14, tx: true, run: txEmpty,
		says: "a transaction without writes succeeds",
	},
	{
		name: "TxUnsupportedSaysSo", rule: 14, run: txUnsupportedSaysSo,
		says: "a store without transactions returns errors.ErrUnsupported, from Begin too, and does not call the function",
	},
}

func txEffectsAtomic(t *T) {
	t.insert(newTask(), newTask(), newTask())
	tasks := t.claim(3)
	child := []store.NewTask{newTask(withQueue(queueB))}
	t.ok(t.withTx(func(ctx context.Context, tx store.Writer) error {
		_, err := tx.Insert(ctx, child)
		return errors.Join(err,
			tx.Complete(ctx, []store.Completion{{ID: tasks[0].ID, Lease: tasks[0].Lease}}),
			tx.Fail(ctx, []store.Failure{{ID: tasks[1].ID, Lease: tasks[1].Lease}}),
			tx.Reschedule(ctx, []store.Rescheduling{{ID: tasks[2].ID, Lease: tasks[2].Lease}}))
	}), "transaction of four writes")
	got := t.claim(10)
	if len(got) != 2 || got[0].ID != tasks[2].ID || got[0].Retries != 1 || got[1].Queue != queueB {
		t.Fatalf("want the retried task and the inserted one, got %+v", got)
	}
}

func txRollbackLeavesRunning(t *T) {
	t.insert(newTask(), newTask())
	tasks := t.claim(2)
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		return errors.Join(
			tx.Complete(ctx, []store.Completion{{ID: tasks[0].ID, Lease: tasks[0].Lease}}),
			tx.Reschedule(ctx, []store.Rescheduling{{ID: tasks[1].ID, Lease: tasks[1].Lease}}),
			errRollback)
	})
	if !errors.Is(err, errRollback) {
		t.Fatalf("the transaction returned %v", err)
	}
	t.claimNone("both tasks still run")
	t.ok(t.fail(tasks[0], ""), "fail after the rollback")
	t.ok(t.complete(tasks[1], nil), "complete after the rollback")
}

func txStaleLeaseRollsBack(t *T) {
	stale := t.running()
	t.outliveLease()
	current := t.claimOne()
	other := t.running(withQueue(queueB))
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		_, err := tx.Insert(ctx, []store.NewTask{newTask()})
		if err := errors.Join(err, tx.Complete(ctx, []store.Completion{{ID: other.ID, Lease: other.Lease}})); err != nil {
			return err
		}
		_ = tx.Complete(ctx, []store.Completion{{ID: stale.ID, Lease: stale.Lease}}) // WithTx returns what it refuses
		return nil
	})
	t.lostInTx(err)
	t.claimNone("the insertion was rolled back")
	t.ok(t.complete(other, nil), "complete of the other task, rolled back before")
	t.ok(t.complete(current, nil), "complete under the lease that holds the task")
}

// lostInTx ends the case unless err is how a transaction fails that lost a task.
func (t *T) lostInTx(err error) {
	t.Helper()
	if !errors.Is(err, store.ErrLeaseLost) && !errors.Is(err, store.ErrConflict) {
		t.Fatalf("the transaction returned %v, want ErrLeaseLost or ErrConflict", err)
	}
	if !store.IsDefinite(err) {
		t.Fatalf("the transaction's error is not definite: %v", err)
	}
}

func txTwoAttemptsOneEffect(t *T) {
	zombie := t.running()
	t.outliveLease()
	holder := t.claimOne()
	finish := func(task store.Task, child string) error {
		return t.withTx(func(ctx context.Context, tx store.Writer) error {
			_, err := tx.Insert(ctx, []store.NewTask{newTask(withQueue(queueB), withParams(child))})
			if err != nil {
				return err
			}
			return tx.Complete(ctx, []store.Completion{{ID: task.ID, Lease: task.Lease}})
		})
	}
	t.lostInTx(finish(zombie, `"zombie"`))
	t.ok(finish(holder, `"holder"`), "the holder's transaction")
	t.lostInTx(finish(zombie, `"zombie"`))
	children := t.claim(10)
	if len(children) != 1 || string(children[0].Params) != `"holder"` {
		t.Fatalf("want the holder's child alone, got %+v", children)
	}
}

func txPanicRollsBack(t *T) {
	func() {
		defer func() {
			if recover() == nil {
				t.Fatal("the panic did not go on")
			}
		}()
		_ = t.withTx(func(ctx context.Context, tx store.Writer) error {
			if _, err := tx.Insert(ctx, []store.NewTask{newTask()}); err != nil {
				return err
			}
			panic("the kit panics")
		})
	}()
	t.claimNone("the insertion was rolled back")
	t.insertInTx(newTask())
	t.claimOne()
}

func txContextEndRollsBack(t *T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := t.store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
		if _, err := tx.Insert(ctx, []store.NewTask{newTask()}); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if err == nil {
		t.Fatal("a transaction whose context had ended committed")
	}
	t.claimNone("the insertion was rolled back")
	t.insertInTx(newTask())
	t.claimOne()
}

func txOwnErrorReturned(t *T) {
	task := t.running()
	task.Lease = store.NewLeaseID()
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		_ = tx.Complete(ctx, []store.Completion{{ID: task.ID, Lease: task.Lease}})
		return errRollback
	})
	if !errors.Is(err, errRollback) {
		t.Fatalf("the function failed with %v, the transaction with %v", errRollback, err)
	}
}

func txTooLargeRefused(t *T) {
	tasks := make([]store.NewTask, store.MaxTx)
	for i := range tasks {
		tasks[i] = newTask()
	}
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		if _, err := tx.Insert(ctx, tasks); err != nil {
			return err
		}
		_, _ = tx.Insert(ctx, []store.NewTask{newTask()}) // WithTx returns what it refuses
		return nil
	})
	t.refused(err, store.ErrTxTooLarge, "a transaction of MaxTx + 1 insertions")
	t.claimNone("the transaction was refused")
}

func txInvalidRefused(t *T) {
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		_, _ = tx.Insert(ctx, []store.NewTask{newTask(), newTask(withQueue(""))})
		return nil
	})
	t.refusedItems(err, store.ErrInvalid, "a transaction with an invalid task", 1)
	t.claimNone("the transaction was rolled back")
}

func txKeyFreedInside(t *T) {
	holder := t.running(withKey("key"))
	next := []store.NewTask{newTask(withKey("key"))}
	t.ok(t.withTx(func(ctx context.Context, tx store.Writer) error {
		if err := tx.Complete(ctx, []store.Completion{{ID: holder.ID, Lease: holder.Lease}}); err != nil {
			return err
		}
		_, err := tx.Insert(ctx, next)
		return err
	}), "transaction that passes a key on")
	if got := t.claimOne(); got.ID == holder.ID || got.UniqueKey != "key" {
		t.Fatalf("want a new task with the key, got %+v", got)
	}
}

func txKeyTakenTwiceInside(t *T) {
	t.insertInTx(newTask(withKey("key")), newTask(withKey("key")))
	t.claimOne()
	t.claimNone("the second task of that key is the first")
}

func txEmpty(t *T) {
	t.ok(t.withTx(func(context.Context, store.Writer) error { return nil }), "transaction without writes")
}

func txUnsupportedSaysSo(t *T) {
	if !t.noTx {
		t.Skip("the store has transactions")
	}
	err := t.withTx(func(context.Context, store.Writer) error {
		t.Error("the function was called")
		return nil
	})
	t.refused(err, errors.ErrUnsupported, "WithTx of a store without transactions")
	if b, ok := store.As[store.Beginner](t.store); ok {
		_, err := b.Begin(t.Context())
		t.refused(err, errors.ErrUnsupported, "Begin of a store without transactions")
	}
}
