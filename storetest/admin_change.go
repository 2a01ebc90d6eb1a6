package storetest

import (
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var adminCancelCases = []testCase{
	{
		name: "AdminCancelDue", rule: 12, needs: needs(canceler, getter), run: adminCancelDue,
		says: "a waiting task is cancelled at once, due or not",
	},
	{
		name: "AdminCancelRunningSignalled", rule: 12, needs: needs(canceler, getter, extender), run: adminCancelRunningSignalled,
		says: "a running task goes on with a flag, which the next extension shows; failed, it ends as cancelled",
	},
	{
		name: "AdminCancelFlagSurvivesCrash", rule: 12, needs: needs(canceler, getter), run: adminCancelFlagSurvivesCrash,
		says: "a flagged task whose lease ends is not due again: it ends as cancelled",
	},
	{
		name: "AdminCancelFlaggedRescheduleEndsCancelled", rule: 12, needs: needs(canceler, getter),
		run:  adminCancelFlaggedRescheduleEndsCancelled,
		says: "a flagged task that is rescheduled, in whatever way, ends as cancelled",
	},
	{
		name: "AdminCancelFlaggedMayComplete", rule: 12, needs: needs(canceler, getter), run: adminCancelFlaggedMayComplete,
		says: "a flagged task may still complete",
	},
	{
		name: "AdminCancelTerminalNoOp", rule: 12, needs: needs(canceler, getter), run: adminCancelTerminalNoOp,
		says: "finished tasks, and those flagged already, are not changed by a cancellation",
	},
}

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
func (t *T) cancelRunning() store.Task {
	t.Helper()
	task := t.running()
	t.cancel(task.ID)
	return task
}

// is ends the case unless the task has that status.
func (t *T) is(id int64, want store.Status, why string) store.Task {
	t.Helper()
	task := t.task(id)
	if task.Status != want {
		t.Fatalf("task %d is %s, want %s: %s", id, task.Status, want, why)
	}
	return task
}

func adminCancelDue(t *T) {
	for _, id := range t.insert(newTask(), newTask(withDelay(time.Hour))) {
		t.cancel(id)
		if task := t.is(id, store.Cancelled, "it waited"); task.Finished.IsZero() {
			t.Fatal("a cancelled task does not say when it was")
		}
	}
	t.claimNone("both tasks are cancelled")
}

func adminCancelRunningSignalled(t *T) {
	t.insert(newTask(), newTask())
	tasks := t.claim(2)
	t.cancel(tasks[1].ID)
	if flagged := t.is(tasks[1].ID, store.Running, "its handler runs"); !flagged.CancelRequested {
		t.Fatal("the task does not say that its cancellation was asked for")
	}
	for range 2 { // a signal that was lost comes again
		if got := t.extend(leaseTime, tasks[0].Lease)[0]; got.Lost || !slices.Equal(got.Cancelled, []int64{tasks[1].ID}) {
			t.Fatalf("the extension says %+v, want task %d to be cancelled", got, tasks[1].ID)
		}
	}
	t.ok(t.fail(tasks[1], "gave up"), "fail")
	if task := t.is(tasks[1].ID, store.Cancelled, "it was to be cancelled"); len(task.Errors) != 1 {
		t.Fatalf("the history is %v", task.Errors)
	}
	t.ok(t.fail(tasks[1], "gave up"), "fail repeated")
	if got := t.extend(leaseTime, tasks[0].Lease)[0]; len(got.Cancelled) != 0 {
		t.Fatalf("the extension still says %+v", got)
	}
}

func adminCancelFlagSurvivesCrash(t *T) {
	task := t.cancelRunning()
	t.outliveLease()
	t.claimNone("the task taken back was to be cancelled")
	if task := t.is(task.ID, store.Cancelled, "it was taken back"); task.Finished.IsZero() {
		t.Fatal("a cancelled task does not say when it was")
	}
	t.refused(t.complete(task, nil), store.ErrLeaseLost, "complete under the lost lease")
}

func adminCancelFlaggedRescheduleEndsCancelled(t *T) {
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		task := t.cancelRunning()
		t.ok(t.reschedule(task, kind, 0, ""), kind.String())
		t.is(task.ID, store.Cancelled, "it was given back with "+kind.String())
		t.claimNone("it is not due again")
	}
}

func adminCancelFlaggedMayComplete(t *T) {
	task := t.cancelRunning()
	t.ok(t.complete(task, []byte(`4`)), "complete of a flagged task")
	t.is(task.ID, store.Completed, "its handler succeeded all the same")
}

func adminCancelTerminalNoOp(t *T) {
	task := t.running()
	t.ok(t.complete(task, nil), "complete")
	flagged := t.cancelRunning()
	changed, err := as[store.Canceler](t).Cancel(t.Context(), store.Filter{IDs: []int64{task.ID, flagged.ID, flagged.ID + 1000}}, 0)
	t.ok(err, "cancel")
	if len(changed) != 0 {
		t.Fatalf("the cancellation says that it changed %v", changed)
	}
	t.is(task.ID, store.Completed, "it was completed before")
}

// retry retries tasks by their ids.
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

func adminRetryCancelledClearsFlag(t *T) {
	task := t.cancelRunning()
	t.ok(t.fail(task, ""), "fail")
	t.retried(task.ID)
	again := t.claimOne()
	if again.CancelRequested {
		t.Fatal("the retried task is still to be cancelled")
	}
	t.ok(t.reschedule(again, store.Retry, 0, ""), "retry by the worker")
	t.is(task.ID, store.Created, "it is not to be cancelled any more")
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
