package storetest

import "time"

var claimRepeatCases = []testCase{
	{
		name: "ClaimReplyLostRecoveredByLeaseID", rule: 9, run: claimReplyLostRecoveredByLeaseID,
		says: "a repeated claim returns the tasks that its lease still holds, in their order, and claims no others",
	},
	{
		name: "ClaimRepeatDoesNotProlong", rule: 9, run: claimRepeatDoesNotProlong,
		says: "a repeated claim does not prolong its lease, whatever time it asks for",
	},
	{
		name: "ClaimUsedLeaseIDClaimsNothing", rule: 9, run: claimUsedLeaseIDClaimsNothing,
		says: "a lease id whose tasks are all settled or taken back never leases others",
	},
	{
		name: "ClaimEmptyRepeatIsHarmless", rule: 9, run: claimEmptyRepeatIsHarmless,
		says: "the repeat of a claim that found nothing leaves every task claimable or leased to it",
	},
}

func claimReplyLostRecoveredByLeaseID(t *T) {
	ids := t.insert(newTask(withPriority(-1)), newTask(), newTask(withPriority(1)))
	want := []int64{ids[2], ids[1], ids[0]}
	c := newClaim(3)
	t.inOrder(t.claimAs(c), want, "by priority")

	more := t.insertOne(withPriority(2))
	again := t.claimAs(c)
	t.inOrder(again, want, "the repeat returns what the lease holds, and no others")
	c.Limit = 10
	t.inOrder(t.claimAs(c), want, "a repeat claims nothing, whatever its limit")

	t.ok(t.complete(again[0], nil), "complete of a task that a repeated claim returned")
	t.inOrder(t.claimAs(c), want[1:], "one of the lease's tasks was completed")
	t.inOrder(t.claim(10), []int64{more}, "the repeats left it alone")
}

func claimRepeatDoesNotProlong(t *T) {
	id := t.insertOne()
	c := newClaim(1)
	first := t.claimAs(c)
	t.inOrder(first, []int64{id}, "it is due")
	t.advance(leaseTime / 2)
	c.For = time.Hour
	again := t.claimAs(c)
	t.inOrder(again, []int64{id}, "the repeat returns what the lease holds")
	if !sameTime(again[0].LeaseEnd, first[0].LeaseEnd) {
		t.Fatalf("the lease ended at %s, and after a repeat of its claim at %s", first[0].LeaseEnd, again[0].LeaseEnd)
	}
	t.advance(leaseTime/2 + time.Second)
	t.inOrder(t.claim(10), []int64{id}, "the lease has ended at its first end")
}

func claimUsedLeaseIDClaimsNothing(t *T) {
	t.insertOne()
	settled := newClaim(1)
	for _, task := range t.claimAs(settled) {
		t.ok(t.complete(task, nil), "complete")
	}
	id := t.insertOne()
	t.inOrder(t.claimAs(settled), nil, "the lease has settled all that it held")

	takenBack := newClaim(1)
	t.inOrder(t.claimAs(takenBack), []int64{id}, "it is due")
	t.outliveLease()
	t.claimAs(onlyTakesBack())
	t.inOrder(t.claimAs(takenBack), nil, "what the lease held was taken back")
	t.inOrder(t.claim(10), []int64{id}, "the used lease ids left it alone")
}

func claimEmptyRepeatIsHarmless(t *T) {
	c := newClaim(1)
	t.inOrder(t.claimAs(c), nil, "nothing was inserted")
	id := t.insertOne()
	// A store that keeps no trace of a claim that found nothing cannot know the repeat.
	tasks := t.claimAs(c)
	if len(tasks) == 0 {
		tasks = t.claim(10)
	}
	t.inOrder(tasks, []int64{id}, "it is due")
	t.ok(t.complete(tasks[0], nil), "complete")
}
