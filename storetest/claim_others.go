package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var claimOthersCases = []testCase{
	{
		name: "ClaimLockedRowBlocksNobody", rule: 8, needs: needs(beginner), tx: true, beside: true, run: claimLockedRowBlocksNobody,
		says: "an open transaction that completes a task keeps no claim of other tasks waiting",
	},
	{
		name: "ClaimPausedQueueNone", rule: 17, needs: needs(pauser), run: claimPausedQueueNone,
		says: "no task of a paused queue is claimed until the queue is resumed",
	},
	{
		name: "ClaimPausedRunningGoOn", rule: 17, needs: needs(pauser), run: claimPausedRunningGoOn,
		says: "tasks of a paused queue that run may be settled, and those whose lease ended are taken back",
	},
}

// blockedAfter is how long a claim may take that waits for nobody.
const blockedAfter = 30 * time.Second

// claimUnblocked claims up to limit tasks beside an open transaction.
func (t *T) claimUnblocked(limit int) []store.Task {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), blockedAfter)
	defer cancel()
	tasks, err := t.store.ClaimDue(ctx, newClaim(limit))
	t.ok(err, "claim beside an open transaction")
	return tasks
}

func claimLockedRowBlocksNobody(t *T) {
	locked := t.running()
	tx, err := as[store.Beginner](t).Begin(t.Context())
	t.ok(err, "begin")
	defer func() { _ = tx.Rollback(t.Context()) }()
	t.ok(tx.Complete(t.Context(), []store.Completion{{ID: locked.ID, Lease: locked.Lease}}), "complete in the transaction")

	other := t.insertOne()
	t.inOrder(t.claimUnblocked(10), []int64{other}, "the other task is in an open transaction")

	t.outliveLease()
	third := t.insertOne(withPriority(2))
	got := t.claimUnblocked(1)
	t.inOrder(got, []int64{third}, "it has the highest priority")

	// Whether the commit or the take-back came first is the store's choice, but not both.
	committed := tx.Commit(t.Context())
	if committed != nil && !store.IsDefinite(committed) {
		t.Fatalf("commit: %v", committed)
	}
	claimed := false
	for range 3 { // each takes back at least one of the two leases that have ended
		claimed = claimed || slices.Contains(idsOf(t.claim(10)), locked.ID)
	}
	if claimed == (committed == nil) {
		t.Fatalf("the commit that completes task %d returned %v; was it claimed afterwards: %t",
			locked.ID, committed, claimed)
	}
}

func (t *T) pause(queues ...string) {
	t.Helper()
	t.ok(as[store.Pauser](t).Pause(t.Context(), queues), "pause")
}

func (t *T) resume(queues ...string) {
	t.Helper()
	t.ok(as[store.Pauser](t).Resume(t.Context(), queues), "resume")
}

func claimPausedQueueNone(t *T) {
	inA, inB := t.insertOne(withPriority(2)), t.insertOne(withQueue(queueB))
	t.pause(queueA)
	t.inOrder(t.claim(10), []int64{inB}, "the other task's queue is paused")
	t.pause(queueA, queueB)
	later := t.insertOne(withQueue(queueB))
	t.claimNone("both queues are paused, one of them twice")
	t.resume(queueB)
	t.inOrder(t.claim(10), []int64{later}, "only its queue was resumed")
	t.resume(queueA, queueB)
	t.inOrder(t.claim(10), []int64{inA}, "its queue was resumed")
}

func claimPausedRunningGoOn(t *T) {
	t.insert(newTask(), newTask())
	done, crashed := t.claimOne(), t.claimOne()
	t.pause(queueA)
	t.ok(t.complete(done, nil), "complete in a paused queue")
	t.outliveLease()
	t.claimNone("its queue is paused")
	t.refused(t.complete(crashed, nil), store.ErrLeaseLost, "complete under a lease that was taken back")
	t.resume(queueA)
	t.inOrder(t.claim(10), []int64{crashed.ID}, "its queue was resumed")
}
