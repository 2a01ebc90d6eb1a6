package storetest

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

var txBeginCases = []testCase{
	{
		name: "TxBeginCommits", rule: 14, tx: true, needs: needs(beginner), run: txBeginCommits,
		says: "what an open transaction writes happens when it is committed",
	},
	{
		name: "TxBeginRollsBack", rule: 14, tx: true, needs: needs(beginner), run: txBeginRollsBack,
		says: "what an open transaction wrote is gone when it is rolled back",
	},
	{
		name: "TxBeginContextEndRollsBack", rule: 14, tx: true, needs: needs(beginner), run: txBeginContextEndRollsBack,
		says: "an open transaction whose context ends cannot be committed any more, and holds nothing up",
	},
	{
		name: "TxUsedAfterEnd", rule: 14, tx: true, needs: needs(beginner), run: txUsedAfterEnd,
		says: "after Commit and Rollback a transaction's methods return ErrTxDone, but Rollback nil",
	},
	{
		name: "TxBeginRefusedItemRollsBack", rule: 14, tx: true, needs: needs(beginner), run: txBeginRefusedItemRollsBack,
		says: "a transaction with a refused item does not commit",
	},
	{
		name: "TxOpenManyTimes", rule: 14, tx: true, needs: needs(beginner), run: txOpenManyTimes,
		says: "a transaction, however it ended, leaves its connection usable",
	},
}

func (t *T) begin(ctx context.Context) store.Tx {
	t.Helper()
	tx, err := as[store.Beginner](t).Begin(ctx)
	t.ok(err, "begin")
	return tx
}

func txBeginCommits(t *T) {
	task := t.running()
	tx := t.begin(t.Context())
	t.ok(tx.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}}), "complete in the transaction")
	_, err := tx.Insert(t.Context(), []store.NewTask{newTask(withQueue(queueB))})
	t.ok(err, "insert in the transaction")
	t.ok(tx.Commit(t.Context()), "commit")
	if got := t.claimOne(); got.Queue != queueB {
		t.Fatalf("claimed %+v, want the inserted task", got)
	}
	t.outliveLease()
	t.claimOne()
	t.claimNone("the first task is completed")
}

func txBeginRollsBack(t *T) {
	task := t.running()
	tx := t.begin(t.Context())
	t.ok(tx.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}}), "complete in the transaction")
	_, err := tx.Insert(t.Context(), []store.NewTask{newTask()})
	t.ok(err, "insert in the transaction")
	t.ok(tx.Rollback(t.Context()), "rollback")
	t.claimNone("nothing was inserted, and the task still runs")
	t.ok(t.fail(task, ""), "fail after the rollback")
}

func txBeginContextEndRollsBack(t *T) {
	task := t.running()
	ctx, cancel := context.WithCancel(t.Context())
	tx := t.begin(ctx)
	t.ok(tx.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}}), "complete in the transaction")
	cancel()
	err := tx.Commit(t.Context())
	if err == nil || !store.IsDefinite(err) {
		t.Fatalf("commit of a transaction whose context has ended: %v, want a definite error", err)
	}
	_ = tx.Rollback(t.Context())
	t.ok(t.fail(task, ""), "fail after the transaction's end")
}

func txUsedAfterEnd(t *T) {
	committed := t.begin(t.Context())
	t.ok(committed.Commit(t.Context()), "commit of nothing")
	rolledBack := t.begin(t.Context())
	t.ok(rolledBack.Rollback(t.Context()), "rollback")
	for how, tx := range map[string]store.Tx{"commit": committed, "rollback": rolledBack} {
		_, err := tx.Insert(t.Context(), []store.NewTask{newTask()})
		t.refused(err, store.ErrTxDone, "insert after "+how)
		t.refused(tx.Complete(t.Context(), []store.Completion{{ID: 1}}), store.ErrTxDone, "complete after "+how)
		t.refused(tx.Fail(t.Context(), []store.Failure{{ID: 1}}), store.ErrTxDone, "fail after "+how)
		t.refused(tx.Reschedule(t.Context(), []store.Rescheduling{{ID: 1}}), store.ErrTxDone, "reschedule after "+how)
		t.refused(tx.Commit(t.Context()), store.ErrTxDone, "commit after "+how)
		t.ok(tx.Rollback(t.Context()), "rollback after "+how)
	}
	t.claimNone("nothing was inserted")
}

func txBeginRefusedItemRollsBack(t *T) {
	task := t.running()
	task.Lease = store.NewLeaseID()
	tx := t.begin(t.Context())
	_, err := tx.Insert(t.Context(), []store.NewTask{newTask()})
	t.ok(err, "insert in the transaction")
	_ = tx.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}})
	t.lostInTx(tx.Commit(t.Context()))
	t.claimNone("the insertion was rolled back")
}

func txOpenManyTimes(t *T) {
	for range 10 {
		t.ok(t.begin(t.Context()).Rollback(t.Context()), "rollback")
		t.ok(t.begin(t.Context()).Commit(t.Context()), "commit")
		ctx, cancel := context.WithCancel(t.Context())
		tx := t.begin(ctx)
		cancel()
		_ = tx.Rollback(t.Context())
	}
	t.insertOne()
	t.claimOne()
}
