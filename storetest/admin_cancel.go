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
		name: "AdminCancelShownByRepeatedClaim", rule: 9, needs: needs(canceler), run: adminCancelShownByRepeatedClaim,
		says: "a repeated claim shows which of its tasks are to be cancelled",
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

func (t *T) cancelRunning() store.Task {
	t.Helper()
	task := t.running()
	t.cancel(task.ID)
	return task
}

// is ends the case unless the task has that status.
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

func adminCancelShownByRepeatedClaim(t *T) {
	ids := t.insert(newTask(), newTask(), newTask())
	c := newClaim(2)
	t.inOrder(t.claimAs(c), ids[:2], "they are due")
	t.cancel(ids[1])
	again := t.claimAs(c)
	t.inOrder(again, ids[:2], "the lease holds them")
	if again[0].CancelRequested || !again[1].CancelRequested {
		t.Fatalf("task %d is to be cancelled, and the repeated claim says %v of it, and %v of the other one",
			ids[1], again[1].CancelRequested, again[0].CancelRequested)
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
