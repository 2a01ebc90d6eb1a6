package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var claimOrderCases = []testCase{
	{
		name: "ClaimOrderPriorityThenDueThenID", rule: 8, run: claimOrderPriorityThenDueThenID,
		says: "within a queue tasks are claimed by priority, highest first, then by due time, then by id",
	},
	{
		name: "ClaimOrderOneByOne", rule: 8, run: claimOrderOneByOne,
		says: "small claims take the tasks in the same order as one large one",
	},
	{
		name: "ClaimQueuesInOrderGiven", rule: 8, run: claimQueuesInOrderGiven,
		says: "within a priority the claim's first queue is served first; a higher priority in another goes before",
	},
	{
		name: "ClaimFromAThousandQueues", rule: 8, run: claimFromAThousandQueues,
		says: "a claim may name many queues and names, and is served from all of them in their order",
	},
	{
		name: "ClaimDueRetryNotStarved", rule: 8, run: claimDueRetryNotStarved,
		says: "a due retry goes before tasks of its priority that are due since later",
	},
	{
		name: "ClaimDueETANotStarved", rule: 8, run: claimDueETANotStarved,
		says: "a task whose ETA has come goes before tasks of its priority that are due since later",
	},
	{
		name: "ClaimReleasedKeepsPlace", rule: 11, run: claimReleasedKeepsPlace,
		says: "a released task is claimed again from the place in the order that it had",
	},
	{
		name: "ClaimForeignNamesInFrontHideNothing", rule: 8, run: claimForeignNamesInFrontHideNothing,
		says: "thousands of tasks of other names in front do not keep a known one from being claimed",
	},
}

// inDisorder inserts tasks into one queue, makes them due, and returns their ids in the order
// in which they are to be claimed.
func (t *T) inDisorder() []int64 {
	t.Helper()
	now := t.storeNow()
	type place struct{ priority, minute, nth int }
	order := map[place]int64{}
	for nth, at := range []place{
		{0, 3, 0}, {0, 1, 0}, {2, 3, 0}, {-2, 1, 0}, {0, 2, 0}, {1, 1, 0}, {-1, 2, 0},
		{0, 1, 0}, {2, 1, 0}, {0, 3, 0}, {0, 1, 0}, {-2, 3, 0}, {1, 3, 0}, {2, 3, 0},
	} {
		at.nth = nth
		order[at] = t.insertOne(withPriority(at.priority), withETA(now.Add(time.Duration(at.minute)*time.Minute)))
	}
	t.advance(4 * time.Minute)
	var ids []int64
	for priority := store.MaxPriority; priority >= store.MinPriority; priority-- {
		for minute := range 4 {
			for nth := range len(order) {
				if id, ok := order[place{priority, minute, nth}]; ok {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}

func claimOrderPriorityThenDueThenID(t *T) {
	want := t.inDisorder()
	t.inOrder(t.claim(len(want)), want, "by priority, then due time, then id")
}

func claimOrderOneByOne(t *T) {
	want := t.inDisorder()
	var got []store.Task
	for range len(want) / 2 {
		got = append(got, t.claim(2)...)
	}
	t.inOrder(got, want, "by priority, then due time, then id, two by two")
}

func claimQueuesInOrderGiven(t *T) {
	for _, first := range []string{queueA, queueB} {
		second := queueA
		if first == queueA {
			second = queueB
		}
		ids := t.insert(
			newTask(withQueue(second)), newTask(withQueue(first)),
			newTask(withQueue(second), withPriority(1)), newTask(withQueue(first), withPriority(-1)),
			newTask(withQueue(second), withPriority(-1)), newTask(withQueue(first)),
		)
		c := newClaim(10)
		c.Queues = []string{first, second}
		tasks := t.claimAs(c)
		t.inOrder(tasks, []int64{ids[2], ids[1], ids[5], ids[0], ids[3], ids[4]},
			"by priority, then queue "+first+" before "+second)
	}
}

func claimFromAThousandQueues(t *T) {
	c := newClaim(10)
	c.Queues = nil
	for i := range 1000 {
		c.Queues = append(c.Queues, fmt.Sprintf("kit.queue-%d", i))
	}
	for i := range 20 {
		c.Names = append(c.Names, fmt.Sprintf("kit.name-%d", i))
	}
	ids := t.insert(
		newTask(withQueue(c.Queues[999])), newTask(withQueue(c.Queues[0])), newTask(withQueue(c.Queues[500])),
		newTask(withQueue(c.Queues[700]), withPriority(1)), newTask(withQueue(c.Queues[300]), withPriority(-1)),
	)
	t.inOrder(t.claimAs(c), []int64{ids[3], ids[1], ids[2], ids[0], ids[4]}, "by priority, then queue")
}

func claimDueRetryNotStarved(t *T) {
	t.insertOne()
	retried := t.claimOne()
	t.ok(t.reschedule(retried, store.Retry, time.Minute, "again"), "retry")
	t.advance(2 * time.Minute)
	newer := t.insert(newTask(), newTask(), newTask())
	t.inOrder(t.claim(1), []int64{retried.ID}, "the retry is due since before the others came")
	t.inOrder(t.claim(10), newer, "the others follow")
}

func claimDueETANotStarved(t *T) {
	late := t.insertOne(withDelay(time.Minute))
	before := t.insertOne()
	t.advance(2 * time.Minute)
	newer := t.insertOne()
	var got []store.Task
	for range 3 {
		got = append(got, t.claimOne())
	}
	t.inOrder(got, []int64{before, late, newer}, "in the order of their due times")
}

func claimReleasedKeepsPlace(t *T) {
	ids := t.insert(newTask(), newTask(), newTask())
	first := t.claimOne()
	t.advance(time.Second)
	last := t.insertOne()
	t.ok(t.reschedule(first, store.Release, 0, ""), "release")
	t.inOrder(t.claim(10), slices.Concat(ids, []int64{last}), "a released task has its old place")
}

func claimForeignNamesInFrontHideNothing(t *T) {
	const foreign, batches, claims = 1000, 2, 50
	for i := range batches {
		tasks := make([]store.NewTask, foreign)
		for n := range tasks {
			tasks[n] = newTask(withName("kit.foreign"), withPriority(i))
		}
		t.insert(tasks...)
	}
	known := t.insertOne()
	for range claims {
		c := newClaim(1)
		c.Queues = []string{queueA}
		tasks := t.claimAs(c)
		if len(tasks) > 0 {
			t.inOrder(tasks, []int64{known}, "the others are of a foreign name")
			return
		}
	}
	t.Fatalf("behind %d tasks of a foreign name, a known one was not claimed in %d claims", foreign*batches, claims)
}
