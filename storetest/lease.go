package storetest

import (
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var leaseCases = slices.Concat(leaseEndCases, leaseTakeBackCases, leaseExtendCases)

var leaseEndCases = []testCase{
	{
		name: "LeaseNotReclaimableBeforeEnd", rule: 8, run: leaseNotReclaimableBeforeEnd,
		says: "a task whose lease has not ended is not claimed by others",
	},
	{
		name: "LeaseReclaimableAfterEnd", rule: 7, run: leaseReclaimableAfterEnd,
		says: "a task whose lease has ended is claimed again, by the very claim that takes it back",
	},
	{
		name: "LeaseLateButUnclaimedCompletes", rule: 6, run: leaseLateButUnclaimedCompletes,
		says: "a lease that ended still holds its tasks until they are taken back: they may be settled",
	},
	{
		name: "LeaseOneLeasePerClaimCall", rule: 6, run: leaseOneLeasePerClaimCall,
		says: "each claim call has a lease of its own: it proves and ends nothing of another's",
	},
	{
		name: "LeaseSettledTaskIsNotTakenBack", rule: 7, run: leaseSettledTaskIsNotTakenBack,
		says: "the end of a lease takes back what it still holds, not what it has settled",
	},
	{
		name: "LeaseReclaimedTaskIsNotTakenBack", rule: 7, run: leaseReclaimedTaskIsNotTakenBack,
		says: "a task that was given back and leased anew is not taken back when the former lease ends",
	},
	{
		name: "LeaseStoreClockIgnoresWorkerSkew", rule: 10, run: leaseStoreClockIgnoresWorkerSkew,
		says: "created, due and lease end are all on the store's clock, never on the caller's",
	},
}

func leaseNotReclaimableBeforeEnd(t *T) {
	task := t.running()
	t.claimNone("its lease has just begun")
	t.advance(leaseTime / 2)
	t.claimNone("its lease has not ended")
	t.ok(t.complete(task, nil), "complete")
}

func leaseReclaimableAfterEnd(t *T) {
	first := t.running()
	t.outliveLease()
	second := t.claimOne()
	if second.ID != first.ID || second.Lease == first.Lease || second.Status != store.Running {
		t.Fatalf("task %d was claimed under %s; after its end task %d came under %s as %s",
			first.ID, first.Lease, second.ID, second.Lease, second.Status)
	}
	t.sameInput(second, newTask())
	t.claimNone("it has a new lease")
	t.refused(t.complete(first, nil), store.ErrLeaseLost, "complete under the lease that ended")
	t.ok(t.complete(second, nil), "complete under the new lease")
}

func leaseLateButUnclaimedCompletes(t *T) {
	for _, settle := range []struct {
		name string
		late func(store.Task) error
	}{
		{"complete", func(task store.Task) error { return t.complete(task, []byte("late")) }},
		{"fail", func(task store.Task) error { return t.fail(task, "late") }},
		{"reschedule", func(task store.Task) error { return t.reschedule(task, store.Snooze, time.Hour, "") }},
	} {
		task := t.running()
		t.outliveLease()
		t.ok(settle.late(task), "late "+settle.name)
		t.claimNone("it was settled before it was taken back: " + settle.name)
	}
}

func leaseOneLeasePerClaimCall(t *T) {
	t.insert(newTask(), newTask())
	short := t.claimOne()
	c := newClaim(1)
	c.For = 5 * leaseTime
	tasks := t.claimAs(c)
	if len(tasks) != 1 {
		t.Fatalf("claimed %d tasks, want 1", len(tasks))
	}
	long := tasks[0]

	crossed := short
	crossed.Lease = long.Lease
	t.refused(t.complete(crossed, nil), store.ErrLeaseLost, "complete under the lease of another claim")
	t.outliveLease()
	t.inOrder(t.claim(10), []int64{short.ID}, "the other claim's lease has not ended")
	t.ok(t.complete(long, nil), "complete under the longer lease")
}

func leaseSettledTaskIsNotTakenBack(t *T) {
	ids := t.insert(newTask(), newTask(), newTask(), newTask())
	tasks := t.claim(4)
	t.inOrder(tasks, ids, "all are due")
	t.ok(t.complete(tasks[0], nil), "complete")
	t.ok(t.fail(tasks[1], "no"), "fail")
	t.ok(t.reschedule(tasks[2], store.Snooze, 5*time.Minute, ""), "snooze")
	t.outliveLease()

	again := t.claim(10)
	t.inOrder(again, ids[3:], "the lease held only this one at its end")
	if again[0].Crashes != 1 {
		t.Fatalf("%d crashes, want 1", again[0].Crashes)
	}
	t.ok(t.complete(again[0], nil), "complete")
	t.advance(5 * time.Minute)
	snoozed := t.claimOne()
	if snoozed.ID != ids[2] || snoozed.Crashes != 0 {
		t.Fatalf("claimed task %d with %d crashes, want the snoozed %d with none", snoozed.ID, snoozed.Crashes, ids[2])
	}
}

func leaseReclaimedTaskIsNotTakenBack(t *T) {
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		former := t.running()
		t.ok(t.reschedule(former, kind, 0, ""), kind.String())
		c := newClaim(1)
		c.For = 5 * leaseTime
		t.inOrder(t.claimAs(c), []int64{former.ID}, "it is due after "+kind.String())
		t.outliveLease()
		t.claimNone("its present lease has not ended")
		t.refused(t.complete(former, nil), store.ErrLeaseLost, "complete under the former lease")
		for _, task := range t.claimAs(c) {
			if task.Crashes != 0 {
				t.Fatalf("%d crashes after %s, want none", task.Crashes, kind)
			}
			t.ok(t.complete(task, nil), "complete")
		}
	}
}

func leaseStoreClockIgnoresWorkerSkew(t *T) {
	const skew, slack = time.Hour, time.Minute
	start := t.storeNow()
	t.advance(skew) // now the caller's clock lags
	near := func(what string, at, want time.Time) {
		t.Helper()
		if d := at.Sub(want); d < -time.Microsecond || d > slack {
			t.Fatalf("%s is %s, want %s on the store's clock", what, at, want)
		}
	}
	now := start.Add(skew)
	id := t.insertOne(withETA(start.Add(skew - slack))) // past for the store, ahead for the caller
	first := t.claimOne()
	if first.ID != id {
		t.Fatalf("claimed task %d, want %d", first.ID, id)
	}
	near("the time of creation", first.Created, now)
	near("the end of the lease", first.LeaseEnd, now.Add(leaseTime))

	t.ok(t.reschedule(first, store.Retry, 2*slack, "no"), "retry")
	t.claimNone("its retry is ahead")
	t.advance(3 * slack)
	again := t.claimOne()
	near("the time of the retry", again.Due, now.Add(2*slack))
	if len(again.Errors) != 1 {
		t.Fatalf("%d errors, want 1", len(again.Errors))
	}
	near("the time of the error", again.Errors[0].At, now)

	t.insertOne(withETA(now.Add(6 * slack)))
	t.claimNone("its ETA is ahead on the store's clock")
}
