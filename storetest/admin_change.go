package storetest

import (
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var adminRetryCases = []testCase{
	{
		name: "AdminRetryFailedResets", rule: 18, needs: needs(retrier, getter), run: adminRetryFailedResets,
		says: "a failed task that is retried is due now, its counters are zero, and its history stays",
	},
	{
		name: "AdminRetryCancelledClearsFlag", rule: 18, needs: needs(retrier, canceler, getter), run: adminRetryCancelledClearsFlag,
		says: "a cancelled task that is retried is no longer to be cancelled",
	},
	{
		name: "AdminRetryOthersNoOp", rule: 18, needs: needs(retrier, getter), run: adminRetryOthersNoOp,
		says: "waiting, running and completed tasks are not retried",
	},
	{
		name: "AdminRetryKeyHeldRefused", rule: 13, needs: needs(retrier), run: adminRetryKeyHeldRefused,
		says: "a task whose key another live task holds is not retried, but others are",
	},
	{
		name: "AdminRetryForgetsOldLease", rule: 6, needs: needs(retrier), run: adminRetryForgetsOldLease,
		says: "the lease that failed a task has no power over it once it was retried",
	},
}

var adminDeleteCases = []testCase{
	{
		name: "AdminDeleteRunningRefused", rule: 18, needs: needs(deleter), run: adminDeleteRunningRefused,
		says: "a running task that is named is not deleted, and others of the call are",
	},
	{
		name: "AdminDeletePassesOverRunning", rule: 18, needs: needs(deleter), run: adminDeletePassesOverRunning,
		says: "a filter that matches running tasks deletes the others",
	},
	{
		name: "AdminDeleteByStatusAndAge", rule: 18, needs: needs(deleter, getter, extender), run: adminDeleteByStatusAndAge,
		says: "tasks are deleted by status and age, younger and other ones stay",
	},
}

// cancelRunning runs a task, cancels it, and returns it.
func (t *T) is(id int64, want store.Status, why string) store.Task {
	t.Helper()
	task := t.task(id)
	if task.Status != want {
		t.Fatalf("task %d is %s, want %s: %s", id, task.Status, want, why)
	}
	return task
}

func (t *T) retry(ids ...int64) ([]int64, error) {
	return as[store.Retrier](t).Retry(t.Context(), store.Filter{IDs: ids}, 0)
}

// retried ends the case unless Retry changes exactly these tasks.
func (t *T) retried(ids ...int64) {
	t.Helper()
	changed, err := t.retry(ids...)
	t.ok(err, "retry")
	if !slices.Equal(changed, ids) {
		t.Fatalf("retry of %v changed %v", ids, changed)
	}
}

func adminRetryFailedResets(t *T) {
	t.running(withAllFields, withDelay(0))
	t.outliveLease()
	task := t.claimOne()
	t.ok(t.reschedule(task, store.Retry, 0, "first"), "retry by the worker")
	t.ok(t.fail(t.claimOne(), "last"), "fail")
	t.retried(task.ID)
	if waiting := t.is(task.ID, store.Created, "it was retried"); !waiting.Finished.IsZero() {
		t.Fatalf("a waiting task finished at %s", waiting.Finished)
	}
	again := t.claimOne()
	t.sameInput(again, newTask(withAllFields))
	if again.Retries != 0 || again.Crashes != 0 || again.Attempt() != 1 || len(again.Errors) != 2 {
		t.Fatalf("retried: %d retries, %d crashes, errors %v", again.Retries, again.Crashes, again.Errors)
	}
}

func adminRetryOthersNoOp(t *T) {
	completed, running := t.running(), t.running()
	t.ok(t.complete(completed, nil), "complete")
	waiting := t.insertOne(withDelay(time.Hour))
	changed, err := t.retry(completed.ID, running.ID, waiting, waiting+1000)
	t.ok(err, "retry")
	if len(changed) != 0 {
		t.Fatalf("retry changed %v, of which none had failed", changed)
	}
	t.is(completed.ID, store.Completed, "it had completed")
	t.ok(t.complete(running, nil), "complete of the running task")
}

func adminRetryKeyHeldRefused(t *T) {
	first := t.running(withKey("key"))
	t.ok(t.fail(first, ""), "fail")
	other := t.running()
	t.ok(t.fail(other, ""), "fail")
	holder := t.insertOne(withKey("key"))
	changed, err := t.retry(first.ID, other.ID)
	t.refused(err, store.ErrDuplicate, "retry of a task whose key is held")
	t.refusedIDs(err, "retry", first.ID)
	if !slices.Equal(changed, []int64{other.ID}) {
		t.Fatalf("retry changed %v, want task %d", changed, other.ID)
	}
	t.inAnyOrder(t.claim(10), []int64{holder, other.ID}, "the other was retried")
	t.keyHeld("key", holder, "after the refused retry")
}

func adminRetryForgetsOldLease(t *T) {
	old := t.running()
	t.ok(t.fail(old, ""), "fail")
	t.retried(old.ID)
	t.refused(t.fail(old, ""), store.ErrLeaseLost, "fail repeated after the retry")
	again := t.claimOne()
	t.refused(t.complete(old, nil), store.ErrLeaseLost, "complete by the old lease")
	t.ok(t.fail(again, ""), "fail by the new lease")
	t.refused(t.fail(old, ""), store.ErrLeaseLost, "fail by the old lease of a task that the new one failed")
}

func adminDeleteRunningRefused(t *T) {
	task := t.running()
	waiting := t.insertOne()
	changed, err := as[store.Deleter](t).Delete(t.Context(), store.Filter{IDs: []int64{task.ID, waiting}}, 0)
	t.refused(err, store.ErrRunning, "delete of a running task")
	t.refusedIDs(err, "delete", task.ID)
	if !slices.Equal(changed, []int64{waiting}) {
		t.Fatalf("deleted %v, want task %d", changed, waiting)
	}
	t.claimNone("the waiting task is gone")
	t.ok(t.complete(task, nil), "complete of the running task")
}

func adminDeletePassesOverRunning(t *T) {
	task := t.running()
	waiting := t.insertOne()
	changed, err := as[store.Deleter](t).Delete(t.Context(), store.Filter{Queues: []string{queueA}}, 0)
	t.ok(err, "delete of a queue's tasks")
	if !slices.Equal(changed, []int64{waiting}) {
		t.Fatalf("deleted %v, want task %d", changed, waiting)
	}
	t.ok(t.complete(task, nil), "complete of the running task")
}

func adminDeleteByStatusAndAge(t *T) {
	old, young := t.running(), t.running()
	t.ok(t.complete(old, nil), "complete")
	failed := t.running()
	t.ok(t.fail(failed, ""), "fail")
	t.extended(young, 8*time.Minute)
	t.advance(5 * time.Minute)
	t.ok(t.complete(young, nil), "complete")
	changed, err := as[store.Deleter](t).Delete(t.Context(),
		store.Filter{Statuses: []store.Status{store.Completed}, OlderThan: 4 * time.Minute}, 0)
	t.ok(err, "delete")
	if !slices.Equal(changed, []int64{old.ID}) {
		t.Fatalf("deleted %v, want task %d", changed, old.ID)
	}
	t.inOrder(t.tasks(old.ID, young.ID, failed.ID), []int64{young.ID, failed.ID}, "one is deleted")
}
