package storetest

import (
	"context"
	"errors"

	"github.com/fireflytasks/go-firefly/store"
)

var txFenceCases = []testCase{
	{
		name: "TxChildWithParent", rule: 14, tx: true, run: txChildWithParent,
		says: "a task inserted together with a completion exists if and only if the task completed",
	},
	{
		name: "TxCommitReplyLostCommitted", rule: 15, tx: true, run: txCommitReplyLostCommitted,
		says: "after a commit that completed the task, a Release under its lease is refused",
	},
	{
		name: "TxCommitReplyLostRolledBack", rule: 15, tx: true, run: txCommitReplyLostRolledBack,
		says: "after a transaction that did not commit, a Release under its lease is accepted and the task comes again",
	},
	{
		name: "TxRepeatRefused", rule: 4, tx: true, run: txRepeatRefused,
		says: "a transaction cannot complete a task again, so its effects happen once",
	},
	{
		name: "TxReleaseWaitsForOpenCommit", rule: 15, tx: true, needs: needs(beginner), run: txReleaseWaitsForOpenCommit,
		says: "of an open transaction that completes a task, and a Release outside, exactly one happens",
	},
	{
		name: "TxReleaseFirstFailsCommit", rule: 15, tx: true, beside: true, needs: needs(beginner), run: txReleaseFirstFailsCommit,
		says: "once a Release was accepted, no transaction can complete the task under that lease",
	},
	{
		name: "TxConflictIsDefinite", rule: 14, tx: true, beside: true, needs: needs(beginner), run: txConflictIsDefinite,
		says: "of two transactions that complete one task, one commits and the other fails for certain",
	},
	{
		name: "TxExtendBesideOpenTx", rule: 6, tx: true, beside: true, needs: needs(beginner, extender), run: txExtendBesideOpenTx,
		says: "a lease is extended beside an open transaction under it, which can still commit",
	},
}

// completeIn completes a task in tx and inserts its child.
func completeIn(ctx context.Context, tx store.Writer, task store.Task) error {
	err := tx.Complete(ctx, []store.Completion{{ID: task.ID, Lease: task.Lease}})
	if err != nil {
		return err
	}
	_, err = tx.Insert(ctx, []store.NewTask{newTask(withQueue(queueB))})
	return err
}

func txChildWithParent(t *T) {
	for _, end := range []error{errRollback, nil} {
		parent := t.running()
		err := t.withTx(func(ctx context.Context, tx store.Writer) error {
			return errors.Join(completeIn(ctx, tx, parent), end)
		})
		if !errors.Is(err, end) {
			t.Fatalf("the transaction returned %v, want %v", err, end)
		}
		if end != nil {
			t.claimNone("the parent still runs, and the child never existed")
			t.ok(t.fail(parent, ""), "fail of the parent")
			continue
		}
		if child := t.claimOne(); child.Queue != queueB {
			t.Fatalf("claimed %+v, want the child", child)
		}
		t.refused(t.fail(parent, ""), store.ErrLeaseLost, "fail of the completed parent")
	}
}

func txCommitReplyLostCommitted(t *T) {
	task := t.running()
	t.ok(t.withTx(func(ctx context.Context, tx store.Writer) error { return completeIn(ctx, tx, task) }),
		"the transaction whose reply we take for lost")
	t.refused(t.reschedule(task, store.Release, 0, ""), store.ErrLeaseLost, "release after the commit")
	if got := t.claimOne(); got.Queue != queueB {
		t.Fatalf("claimed %+v, want the child", got)
	}
}

func txCommitReplyLostRolledBack(t *T) {
	task := t.running()
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		return errors.Join(completeIn(ctx, tx, task), errRollback)
	})
	if !errors.Is(err, errRollback) {
		t.Fatalf("the transaction returned %v", err)
	}
	t.ok(t.reschedule(task, store.Release, 0, ""), "release after the rollback")
	again := t.claim(10)
	t.inOrder(again, []int64{task.ID}, "the task was released, and its child never existed")
	if again[0].Retries != 0 || again[0].Crashes != 0 {
		t.Fatalf("a release cost %d retries and %d crashes", again[0].Retries, again[0].Crashes)
	}
}

func txReleaseWaitsForOpenCommit(t *T) {
	task := t.running()
	tx := t.begin(t.Context())
	t.ok(completeIn(t.Context(), tx, task), "complete in the transaction")
	released := make(chan error, 1)
	go func() { released <- t.reschedule(task, store.Release, 0, "") }()
	committed := tx.Commit(t.Context())
	release := <-released

	switch {
	case committed == nil && release == nil:
		t.Fatal("both the commit and the release were accepted")
	case committed != nil && release != nil:
		t.Fatalf("neither happened: commit %v, release %v", committed, release)
	case committed == nil:
		t.refused(release, store.ErrLeaseLost, "release after the commit")
	default:
		t.lostInTx(committed)
	}
	want := queueA
	if committed == nil {
		want = queueB
	}
	if got := t.claimOne(); got.Queue != want {
		t.Fatalf("commit %v, release %v, then claimed %+v", committed, release, got)
	}
	t.claimNone("either the task or its child is there")
}

func txReleaseFirstFailsCommit(t *T) {
	task := t.running()
	tx := t.begin(t.Context())
	t.ok(t.reschedule(task, store.Release, 0, ""), "release beside an open transaction that wrote nothing")
	err := completeIn(t.Context(), tx, task)
	if err == nil {
		err = tx.Commit(t.Context())
	} else {
		_ = tx.Rollback(t.Context())
	}
	t.lostInTx(err)
	t.inOrder(t.claim(10), []int64{task.ID}, "the task was released, and its child never existed")
}

func txConflictIsDefinite(t *T) {
	task := t.running()
	commit := func(result chan<- error) {
		tx, err := as[store.Beginner](t).Begin(t.Context())
		if err != nil {
			result <- err
			return
		}
		if err = completeIn(t.Context(), tx, task); err == nil {
			err = tx.Commit(t.Context())
		} else {
			_ = tx.Rollback(t.Context())
		}
		result <- err
	}
	results := make(chan error, 2)
	go commit(results)
	go commit(results)
	won := 0
	for range 2 {
		switch err := <-results; {
		case err == nil:
			won++
		case !store.IsDefinite(err):
			t.Fatalf("the transaction that lost failed with %v, which is not definite", err)
		}
	}
	if children := t.claim(10); won != 1 || len(children) != 1 {
		t.Fatalf("%d of 2 transactions that complete one task committed, and left %d children", won, len(children))
	}
}

func txRepeatRefused(t *T) {
	task := t.running()
	t.ok(t.withTx(func(ctx context.Context, tx store.Writer) error { return completeIn(ctx, tx, task) }), "first transaction")
	t.lostInTx(t.withTx(func(ctx context.Context, tx store.Writer) error { return completeIn(ctx, tx, task) }))
	t.claimOne()
	t.claimNone("the child of the second transaction never existed")
	t.ok(t.complete(task, nil), "complete repeated outside")
}

func txExtendBesideOpenTx(t *T) {
	task := t.running()
	tx := t.begin(t.Context())
	t.extended(task, 3*leaseTime)
	t.advance(2 * leaseTime)
	t.claimNone("the lease was extended")
	t.ok(completeIn(t.Context(), tx, task), "complete in the transaction")
	t.extended(task, 3*leaseTime)
	t.ok(tx.Commit(t.Context()), "commit after the lease was extended beside it")
}
