package storetest

import (
	"github.com/fireflytasks/go-firefly/store"
)

var uniqueFreeCases = []testCase{
	{
		name: "UniqueReleasedOnEveryTerminal", rule: 13, run: uniqueReleasedOnEveryTerminal,
		says: "a task that is completed, failed or cancelled by its worker frees its key",
	},
	{
		name: "UniqueReleasedOnCancelWhileWaiting", rule: 13, needs: needs(canceler), run: uniqueReleasedOnCancelWhileWaiting,
		says: "a waiting task that is cancelled frees its key",
	},
	{
		name: "UniqueReleasedOnFlaggedEnd", rule: 13, needs: needs(canceler), run: uniqueReleasedOnFlaggedEnd,
		says: "a flagged task that is rescheduled or taken back ends as cancelled and frees its key",
	},
	{
		name: "UniqueStaleLeaseFreesNothing", rule: 6, run: uniqueStaleLeaseFreesNothing,
		says: "a lost lease cannot free a unique key",
	},
	{
		name: "UniqueDeleteReleases", rule: 13, needs: needs(deleter), run: uniqueDeleteReleases,
		says: "a deleted task frees its key",
	},
	{
		name: "UniqueFinishedKeepsOutOfTheWay", rule: 13, needs: needs(deleter), run: uniqueFinishedKeepsOutOfTheWay,
		says: "deleting a finished task does not free the key that another one holds by now",
	},
	{
		name: "UniqueRolledBackHoldsNothing", rule: 14, tx: true, run: uniqueRolledBackHoldsNothing,
		says: "a transaction that was rolled back neither takes a key nor frees one",
	},
}

func uniqueReleasedOnEveryTerminal(t *T) {
	task := t.running(withKey("k"))
	t.ok(t.complete(task, nil), "complete")
	t.keyFree("k", "completed")

	task = t.running(withKey("k"))
	t.ok(t.fail(task, "no"), "fail")
	t.keyFree("k", "failed")

	task = t.running(withKey("k"))
	t.ok(t.cancelAsWorker(task), "fail as cancelled")
	t.keyFree("k", "cancelled")
}

// cancel asks for the cancellation of a live task. The case needs canceler.
func (t *T) cancel(id int64) {
	t.Helper()
	ids, err := as[store.Canceler](t).Cancel(t.Context(), store.Filter{IDs: []int64{id}}, 0)
	t.ok(err, "cancel")
	if len(ids) != 1 || ids[0] != id {
		t.Fatalf("cancel of task %d changed the tasks %v", id, ids)
	}
}

func uniqueReleasedOnCancelWhileWaiting(t *T) {
	t.cancel(t.insertOne(withKey("k")))
	t.keyFree("k", "cancelled")
}

func uniqueReleasedOnFlaggedEnd(t *T) {
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		task := t.running(withKey("k"))
		t.cancel(task.ID)
		t.keyHeld("k", task.ID, "flagged but running")
		t.ok(t.reschedule(task, kind, 0, ""), kind.String())
		t.keyFree("k", "flagged, after "+kind.String())
	}
	task := t.running(withKey("k"))
	t.cancel(task.ID)
	t.outliveLease()
	t.claimNone("a flagged task that is taken back ends as cancelled")
	t.keyFree("k", "flagged and taken back")
}

func uniqueStaleLeaseFreesNothing(t *T) {
	stale := t.running(withKey("k"))
	t.outliveLease()
	t.claimAs(onlyTakesBack())
	t.refused(t.complete(stale, nil), store.ErrLeaseLost, "complete under a lease that was taken back")
	t.refused(t.fail(stale, "no"), store.ErrLeaseLost, "fail under a lease that was taken back")
	t.keyHeld("k", stale.ID, "after a lost lease tried to end it")
}

func (t *T) deleteOne(id int64) {
	t.Helper()
	ids, err := as[store.Deleter](t).Delete(t.Context(), store.Filter{IDs: []int64{id}}, 0)
	t.ok(err, "delete")
	if len(ids) != 1 || ids[0] != id {
		t.Fatalf("delete of task %d removed the tasks %v", id, ids)
	}
}

func uniqueDeleteReleases(t *T) {
	t.deleteOne(t.insertOne(withKey("k")))
	t.keyFree("k", "deleted")
}

func uniqueFinishedKeepsOutOfTheWay(t *T) {
	first := t.running(withKey("k"))
	t.ok(t.complete(first, nil), "complete")
	second := t.insertOne(withKey("k"))
	t.deleteOne(first.ID)
	t.keyHeld("k", second, "after a former holder was deleted")
}

func uniqueRolledBackHoldsNothing(t *T) {
	t.rolledBack([]store.NewTask{newTask(withKey("gone"))})
	t.keyFree("gone", "rolled back")

	id := t.insertOne(withKey("kept"))
	t.rolledBack([]store.NewTask{newTask(withKey("kept"), withParams("2"), replacing)})
	t.keyHeld("kept", id, "after a transaction that met it was rolled back")
	t.sameInput(t.claimOne(), newTask(withKey("kept")))
}
