package storetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var claimCases = slices.Concat(claimPlainCases, claimTimeCases, claimOrderCases, claimRepeatCases, claimOthersCases)

var claimPlainCases = []testCase{
	{
		name: "ClaimRespectsLimit", rule: 8, run: claimRespectsLimit,
		says: "a claim leases at most Limit tasks, and as many as are due up to that",
	},
	{
		name: "ClaimEmptyNoError", rule: 8, run: claimEmptyNoError,
		says: "a claim that finds nothing due returns no tasks and no error",
	},
	{
		name: "ClaimShowsLease", rule: 6, run: claimShowsLease,
		says: "every claimed task is Running and shows the claim's lease, its end and its worker",
	},
	{
		name: "ClaimOnlyNamedQueues", rule: 8, run: claimOnlyNamedQueues,
		says: "tasks of queues that the claim does not name are left alone",
	},
	{
		name: "ClaimOnlyGivenNames", rule: 8, run: claimOnlyGivenNames,
		says: "tasks of names that the claim does not give are left alone: not claimed, failed or dropped",
	},
	{
		name: "ClaimRepeatedQueuesAndNames", rule: 8, run: claimRepeatedQueuesAndNames,
		says: "a queue or name that a claim gives twice counts once",
	},
	{
		name: "ClaimManyWorkersNoDoubleLease", rule: 8, run: claimManyWorkersNoDoubleLease,
		says: "concurrent claims never lease the same task, and leave none behind",
	},
	{
		name: "ClaimZeroLimit", rule: 8, run: claimZeroLimit,
		says: "a claim without a limit claims nothing and takes nothing back",
	},
	{
		name: "ClaimNoNamesNoQueues", rule: 8, run: claimNoNamesNoQueues,
		says: "a claim without names or queues claims nothing and takes nothing back",
	},
	{
		name: "ClaimInvalidClaimRefused", rule: 2, run: claimInvalidClaimRefused,
		says: "a claim that breaks a stated bound is refused with ErrInvalid and leases nothing",
	},
	{
		name: "ClaimCancelledContextLeasesNothing", rule: 19, run: claimCancelledContextLeasesNothing,
		says: "a claim whose ctx had ended before it began leases nothing",
	},
}

func claimRespectsLimit(t *T) {
	for range 5 {
		t.insertOne()
	}
	if got := len(t.claim(2)); got != 2 {
		t.Fatalf("5 tasks are due, a claim of 2 returned %d", got)
	}
	if got := len(t.claim(math.MaxInt32)); got != 3 {
		t.Fatalf("3 tasks are due, a claim of very many returned %d", got)
	}
	t.claimNone("all are leased")
}

func claimEmptyNoError(t *T) {
	t.claimNone("nothing was ever inserted")
	task := t.running()
	t.claimNone("the only task is leased")
	t.ok(t.complete(task, nil), "complete")
	t.claimNone("the only task is completed")
}

func claimShowsLease(t *T) {
	t.insert(newTask(), newTask(), newTask())
	c := newClaim(10)
	c.For, c.Worker = 10*time.Minute, "host-1 (é€), pid 7"
	before := t.storeNow()
	for _, task := range t.claimAs(c) {
		if task.Status != store.Running || task.Lease != c.Lease || task.Worker != c.Worker {
			t.Errorf("claimed under lease %s by %s, got status %s, lease %s, worker %s",
				c.Lease, c.Worker, task.Status, task.Lease, task.Worker)
		}
		if after := task.LeaseEnd.Sub(before); after < c.For || after > c.For+time.Minute {
			t.Errorf("a lease for %s ends after %s", c.For, after)
		}
	}
}

func claimOnlyNamedQueues(t *T) {
	inA, inB := t.insertOne(), t.insertOne(withQueue(queueB), withPriority(2))
	c := newClaim(10)
	c.Queues = []string{queueA}
	t.inOrder(t.claimAs(c), []int64{inA}, "the claim is for the other queue")
	c = newClaim(10)
	c.Queues = []string{"KIT.B", "kit.b2", "kit", queueA}
	t.inOrder(t.claimAs(c), nil, "no queue has exactly such a name")
	t.inOrder(t.claim(10), []int64{inB}, "it is left for a claim of its queue")
}

func claimOnlyGivenNames(t *T) {
	add, mail := t.insertOne(), t.insertOne(withName(nameB), withPriority(2))
	c := newClaim(10)
	c.Names = []string{nameA}
	t.inOrder(t.claimAs(c), []int64{add}, "the claim is for the other name")
	c = newClaim(10)
	c.Names = []string{"KIT.MAIL", "kit.mail2", "kit", nameA}
	t.inOrder(t.claimAs(c), nil, "no task has exactly such a name")
	got := t.claim(10)
	t.inOrder(got, []int64{mail}, "it is left for a worker that knows it")
	t.untouched(got[0])
}

func claimRepeatedQueuesAndNames(t *T) {
	ids := t.insert(newTask(), newTask(withQueue(queueB)), newTask(withName(nameB)))
	c := newClaim(10)
	c.Queues = []string{queueB, queueA, queueB, queueA}
	c.Names = []string{nameA, nameB, nameA}
	t.inOrder(t.claimAs(c), []int64{ids[1], ids[0], ids[2]}, "each once, the first mention of a queue counts")
}

func claimManyWorkersNoDoubleLease(t *T) {
	const workers, total, limit = 8, 120, 7
	batch := make([]store.NewTask, total)
	for i := range batch {
		batch[i] = newTask(withPriority(i % 3))
	}
	ids := t.insert(batch...)

	var wg sync.WaitGroup
	var mu sync.Mutex
	var claimed []store.Task
	for range workers {
		wg.Go(func() {
			for {
				tasks, err := t.store.ClaimDue(t.Context(), newClaim(limit))
				if err != nil {
					t.Errorf("claim: %v", err)
				}
				if len(tasks) == 0 {
					return
				}
				if len(tasks) > limit {
					t.Errorf("a claim of %d returned %d tasks", limit, len(tasks))
				}
				mu.Lock()
				claimed = append(claimed, tasks...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// A worker may see nothing while others have the last tasks in their hands.
	claimed = append(claimed, t.claim(total)...)
	t.inAnyOrder(claimed, ids, "each task was to be leased once")
}

func claimZeroLimit(t *T) {
	for _, limit := range []int{0, -1} {
		t.claimsNothing(newClaim(limit))
	}
}

func claimNoNamesNoQueues(t *T) {
	for _, edit := range []func(*store.Claim){
		func(c *store.Claim) { c.Names = nil },
		func(c *store.Claim) { c.Queues = nil },
		func(c *store.Claim) { c.Names, c.Queues = []string{}, []string{} },
	} {
		c := newClaim(10)
		edit(&c)
		t.claimsNothing(c)
	}
}

// claimsNothing ends the case if the claim leases a task that is due, or takes back one whose
// lease has ended.
func (t *T) claimsNothing(c store.Claim) {
	t.Helper()
	ended := t.running()
	t.outliveLease()
	due := t.insertOne()
	t.inOrder(t.claimAs(c), nil, "the claim asks for nothing")
	t.ok(t.complete(ended, nil), "complete after a claim that takes nothing back")
	got := t.claim(10)
	t.inOrder(got, []int64{due}, "it is still due")
	t.ok(t.complete(got[0], nil), "complete")
}

func claimInvalidClaimRefused(t *T) {
	id := t.insertOne()
	for _, bad := range []struct {
		fault string
		edit  func(*store.Claim)
	}{
		{"no lease id", func(c *store.Claim) { c.Lease = store.LeaseID{} }},
		{"no time", func(c *store.Claim) { c.For = 0 }},
		{"a negative time", func(c *store.Claim) { c.For = -time.Second }},
		{"a worker with a NUL", func(c *store.Claim) { c.Worker = "a\x00" }},
		{"an overlong worker", func(c *store.Claim) {
			c.Worker = string(slices.Repeat([]byte("w"), store.MaxName+1))
		}},
	} {
		c := newClaim(1)
		bad.edit(&c)
		tasks, err := t.store.ClaimDue(t.Context(), c)
		t.refused(err, store.ErrInvalid, "a claim with "+bad.fault)
		t.inOrder(tasks, nil, "the claim was refused")
	}
	t.inOrder(t.claim(10), []int64{id}, "every claim before was refused")
}

func claimCancelledContextLeasesNothing(t *T) {
	id := t.insertOne()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tasks, err := t.store.ClaimDue(ctx, newClaim(1))
	if !errors.Is(err, context.Canceled) || len(tasks) != 0 {
		t.Fatalf("a claim with a cancelled ctx returned %d tasks and error %v, want none and %v",
			len(tasks), err, context.Canceled)
	}
	t.inOrder(t.claim(10), []int64{id}, "the claim before was cancelled before it began")
}
