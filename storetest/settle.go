package storetest

import (
	"bytes"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

var settleCases = slices.Concat(settleEndCases, settleAgainCases, settleHistoryCases)

var settleEndCases = []testCase{
	{
		name: "SettleCompleteOnce", rule: 5, run: settleCompleteOnce,
		says: "a completed task is never claimed again",
	},
	{
		name: "SettleCompleteRepeatOK", rule: 4, run: settleCompleteRepeatOK,
		says: "Complete repeated under the same lease ends like the first",
	},
	{
		name: "SettleCompleteStaleRefused", rule: 6, run: settleCompleteStaleRefused,
		says: "Complete under a lease that lost its task is refused and changes nothing",
	},
	{
		name: "SettleUnknownLeaseRefused", rule: 6, run: settleUnknownLeaseRefused,
		says: "a lease that never held the task, the zero lease too, and an unknown task, settle nothing",
	},
	{
		name: "SettleFailFinal", rule: 5, run: settleFailFinal,
		says: "a failed task is never claimed again",
	},
	{
		name: "SettleFailRepeatOK", rule: 4, run: settleFailRepeatOK,
		says: "Fail repeated under the same lease ends like the first",
	},
	{
		name: "SettleOtherVerdictRefused", rule: 4, run: settleOtherVerdictRefused,
		says: "the first verdict stands: another one under the same lease is refused",
	},
	{
		name: "SettleFailStaleRefused", rule: 6, run: settleFailStaleRefused,
		says: "Fail under a lease that lost its task is refused and changes nothing",
	},
	{
		name: "SettleCancelledIsFinal", rule: 5, run: settleCancelledIsFinal,
		says: "a task failed as cancelled is never claimed again",
	},
	{
		name: "SettleStatusAndTimes", rule: 5, needs: needs(getter), run: settleStatusAndTimes,
		says: "a task shows its status, and in a terminal one when it finished and no lease any more",
	},
	{
		name: "SettleResultRoundtrip", rule: 16, needs: needs(getter), run: settleResultRoundtrip,
		says: "a result comes back exactly as it was given, whatever its bytes",
	},
	{
		name: "SettleResultCopied", rule: 16, needs: needs(getter), run: settleResultCopied,
		says: "the store keeps no slice of its caller's",
	},
	{
		name: "SettleResultOverCapRefused", rule: 2, run: settleResultOverCapRefused,
		says: "a result over the limit is refused by itself, and its task goes on",
	},
}

func settleCompleteOnce(t *T) {
	t.ok(t.complete(t.running(), []byte(`4`)), "complete")
	t.claimNone("the task is completed")
	t.outliveLease()
	t.claimNone("a completed task is not taken back")
}

func settleCompleteRepeatOK(t *T) {
	task := t.running()
	for range 3 {
		t.ok(t.complete(task, []byte(`4`)), "complete")
	}
	t.claimNone("the task is completed")
}

func settleCompleteStaleRefused(t *T) {
	stale := t.running()
	t.outliveLease()
	task := t.claimOne()
	t.refused(t.complete(stale, []byte("stale")), store.ErrLeaseLost, "complete under a lost lease")
	t.ok(t.complete(task, nil), "complete under the lease that holds the task")
}

func settleUnknownLeaseRefused(t *T) {
	task := t.running()
	never, unknown, zero := task, task, task
	never.Lease, zero.Lease = store.NewLeaseID(), store.LeaseID{}
	unknown.ID += 1000
	for _, wrong := range []store.Task{never, zero, unknown} {
		t.refused(t.complete(wrong, nil), store.ErrLeaseLost, "complete")
		t.refused(t.fail(wrong, "wrong"), store.ErrLeaseLost, "fail")
		t.refused(t.reschedule(wrong, store.Retry, 0, "wrong"), store.ErrLeaseLost, "reschedule")
	}
	waiting := t.insertOne()
	t.refused(t.complete(store.Task{ID: waiting}, nil), store.ErrLeaseLost, "complete of a waiting task under no lease")
	t.ok(t.complete(task, nil), "complete under the lease that holds the task")
}

func settleFailFinal(t *T) {
	t.ok(t.fail(t.running(), "boom"), "fail")
	t.claimNone("the task failed")
	t.outliveLease()
	t.claimNone("a failed task is not taken back")
}

func settleFailRepeatOK(t *T) {
	task := t.running()
	for range 3 {
		t.ok(t.fail(task, "boom"), "fail")
	}
	t.claimNone("the task failed")
}

func settleOtherVerdictRefused(t *T) {
	completed := t.running()
	t.ok(t.complete(completed, nil), "complete")
	t.refused(t.fail(completed, "late"), store.ErrLeaseLost, "fail of a completed task")
	t.refused(t.reschedule(completed, store.Release, 0, ""), store.ErrLeaseLost, "release of a completed task")

	failed := t.running()
	t.ok(t.fail(failed, "boom"), "fail")
	t.refused(t.complete(failed, nil), store.ErrLeaseLost, "complete of a failed task")
	t.refused(t.reschedule(failed, store.Retry, 0, ""), store.ErrLeaseLost, "retry of a failed task")
	t.claimNone("both tasks are finished")
}

func settleFailStaleRefused(t *T) {
	stale := t.running()
	t.outliveLease()
	task := t.claimOne()
	t.refused(t.fail(stale, "stale"), store.ErrLeaseLost, "fail under a lost lease")
	t.ok(t.reschedule(task, store.Release, 0, ""), "release under the lease that holds the task")
	if again := t.claimOne(); len(again.Errors) != 0 {
		t.Fatalf("a refused Fail left the errors %v", again.Errors)
	}
}

func settleCancelledIsFinal(t *T) {
	task := t.running(withKey("key"))
	t.ok(t.store.Fail(t.Context(), []store.Failure{{ID: task.ID, Lease: task.Lease, Cancelled: true}}), "fail as cancelled")
	t.claimNone("the task is cancelled")
	t.insertOne(withKey("key"))
}

func settleStatusAndTimes(t *T) {
	id := t.insertOne()
	check := func(want store.Status) store.Task {
		t.Helper()
		task := t.task(id)
		running := want == store.Running
		if task.Status != want || task.Finished.IsZero() == want.Terminal() ||
			task.Lease.IsZero() == running || (task.Worker == "") == running {
			t.Fatalf("want a task that is %s, got %+v", want, task)
		}
		if want.Terminal() && task.Finished.Before(task.Created) {
			t.Fatalf("created at %s, finished at %s", task.Created, task.Finished)
		}
		return task
	}
	check(store.Created)
	t.claimOne()
	task := check(store.Running)
	t.ok(t.complete(task, nil), "complete")
	check(store.Completed)

	for _, cancelled := range []bool{false, true} {
		id = t.insertOne()
		task := t.claimOne()
		t.ok(t.store.Fail(t.Context(), []store.Failure{{ID: task.ID, Lease: task.Lease, Cancelled: cancelled}}), "fail")
		if cancelled {
			check(store.Cancelled)
		} else {
			check(store.Failed)
		}
	}
}

func settleResultRoundtrip(t *T) {
	for _, result := range [][]byte{nil, []byte(`4`), []byte("\x00\xff\xfe binary"), bytes.Repeat([]byte("x"), 1<<20)} {
		task := t.running()
		t.ok(t.complete(task, result), "complete")
		if got := t.task(task.ID).Returned; !bytes.Equal(got, result) {
			t.Fatalf("a result of %d bytes came back as %d others", len(result), len(got))
		}
	}
}

func settleResultCopied(t *T) {
	task := t.running()
	result := []byte(`4`)
	t.ok(t.complete(task, result), "complete")
	result[0] = 'X'
	got := t.task(task.ID).Returned
	if string(got) != `4` {
		t.Fatalf("the result became %q when its caller's bytes changed", got)
	}
	got[0] = 'Y'
	if again := t.task(task.ID).Returned; string(again) != `4` {
		t.Fatalf("the result became %q when a reader's bytes changed", again)
	}
}

func settleResultOverCapRefused(t *T) {
	t.insert(newTask(), newTask())
	tasks := t.claim(2)
	err := t.store.Complete(t.Context(), []store.Completion{
		{ID: tasks[0].ID, Lease: tasks[0].Lease, Returned: make([]byte, store.MaxPayload+1)},
		{ID: tasks[1].ID, Lease: tasks[1].Lease},
	})
	t.refusedItems(err, store.ErrTooLarge, "complete with a result over the limit", 0)
	t.ok(t.complete(tasks[0], nil), "complete with a smaller result")
}
