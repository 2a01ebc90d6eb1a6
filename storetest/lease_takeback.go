package storetest

import (
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var leaseTakeBackCases = []testCase{
	{
		name: "LeaseCrashCounted", rule: 7, run: leaseCrashCounted,
		says: "a task taken back is due since its lease's end and has one crash more; nothing else changes",
	},
	{
		name: "LeaseTakenBackKeepsOrder", rule: 7, run: leaseTakenBackKeepsOrder,
		says: "a task taken back has the place of its lease's end: behind older tasks, before newer ones",
	},
	{
		name: "LeaseTakenBackAsAWhole", rule: 7, run: leaseTakenBackAsAWhole,
		says: "all tasks that an ended lease held are taken back, though the claim asks for fewer",
	},
	{
		name: "LeaseTakesBackOtherNamesAndQueues", rule: 7, run: leaseTakesBackOtherNamesAndQueues,
		says: "a claim takes back tasks of names and queues that it does not ask for",
	},
	{
		name: "LeaseEveryClaimTakesBackOne", rule: 7, run: leaseEveryClaimTakesBackOne,
		says: "each claim takes back what at least one ended lease held",
	},
	{
		name: "LeaseTakenBackHoldsNothing", rule: 6, run: leaseTakenBackHoldsNothing,
		says: "a lease whose task was taken back cannot settle it, waiting, running or finished",
	},
	{
		name: "LeaseConcurrentTakeBackOnce", rule: 7, run: leaseConcurrentTakeBackOnce,
		says: "an ended lease is taken back once, however many claim at that moment",
	},
}

func leaseCrashCounted(t *T) {
	task := t.running(withAllFields, withDelay(0))
	for crash := 1; crash <= 3; crash++ {
		end := task.LeaseEnd
		t.outliveLease()
		task = t.claimOne()
		t.sameInput(task, newTask(withAllFields))
		if task.Crashes != crash || task.Attempt() != crash+1 || task.Retries != 0 || len(task.Errors) != 0 {
			t.Fatalf("taken back %d times: %d crashes, attempt %d, %d retries, errors %v",
				crash, task.Crashes, task.Attempt(), task.Retries, task.Errors)
		}
		if !sameTime(task.Due, end) {
			t.Fatalf("taken back from a lease that ended at %s, it is due since %s", end, task.Due)
		}
	}
}

func leaseTakenBackKeepsOrder(t *T) {
	now := t.storeNow()
	t.insertOne()
	crashed := t.claimOne()
	older := t.insertOne(withETA(now.Add(leaseTime / 2)))
	newer := t.insertOne(withETA(now.Add(3 * leaseTime)))
	first := t.insertOne(withPriority(1), withETA(now.Add(3*leaseTime)))
	t.advance(4 * leaseTime)
	t.inOrder(t.claim(10), []int64{first, older, crashed.ID, newer}, "the lease ended between the others' due times")
}

func leaseTakenBackAsAWhole(t *T) {
	ids := t.insert(newTask(), newTask(withQueue(queueB)), newTask(withName(nameB)), newTask(withPriority(-2)))
	held := t.claim(4)
	t.inAnyOrder(held, ids, "all are due")
	t.outliveLease()
	t.claimOne()
	for _, task := range held {
		t.refused(t.complete(task, nil), store.ErrLeaseLost, "complete under a lease that was taken back")
	}
	if got := len(t.claim(10)); got != 3 {
		t.Fatalf("4 tasks were taken back and 1 claimed, then %d were due", got)
	}
}

func leaseTakesBackOtherNamesAndQueues(t *T) {
	task := t.running()
	t.outliveLease()
	t.inOrder(t.claimAs(onlyTakesBack()), nil, "it asks for another name and queue")
	t.refused(t.complete(task, nil), store.ErrLeaseLost, "complete under a lease that was taken back")
	t.inOrder(t.claim(10), []int64{task.ID}, "it was taken back")
}

func leaseEveryClaimTakesBackOne(t *T) {
	const leases = 5
	held := make([]store.Task, leases)
	for i := range held {
		held[i] = t.running()
	}
	t.outliveLease()
	for range leases {
		t.claimAs(onlyTakesBack())
	}
	for _, task := range held {
		t.refused(t.complete(task, nil), store.ErrLeaseLost, "complete under a lease that was taken back")
	}
}

func leaseTakenBackHoldsNothing(t *T) {
	stale := t.running()
	t.outliveLease()
	t.claimAs(onlyTakesBack())
	powerless := func(when string) {
		t.Helper()
		t.refused(t.complete(stale, []byte("stale")), store.ErrLeaseLost, "complete of a task that is "+when)
		t.refused(t.fail(stale, "stale"), store.ErrLeaseLost, "fail of a task that is "+when)
		for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
			t.refused(t.reschedule(stale, kind, time.Hour, "stale"), store.ErrLeaseLost, kind.String()+" of a task that is "+when)
		}
	}
	powerless("waiting")
	task := t.claimOne()
	if task.Retries != 0 || len(task.Errors) != 0 || task.Crashes != 1 {
		t.Fatalf("a lost lease left %d retries, %d crashes, errors %v", task.Retries, task.Crashes, task.Errors)
	}
	powerless("running under another lease")
	t.ok(t.complete(task, nil), "complete under the lease that holds the task")
	powerless("completed")
	t.claimNone("it is completed")
}

func leaseConcurrentTakeBackOnce(t *T) {
	const workers, total = 8, 20
	batch := make([]store.NewTask, total)
	for i := range batch {
		batch[i] = newTask()
	}
	ids := t.insert(batch...)
	t.inOrder(t.claim(total), ids, "all are due")
	t.outliveLease()

	claims := make([][]store.Task, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			var err error
			if claims[i], err = t.store.ClaimDue(t.Context(), newClaim(total/workers)); err != nil {
				t.Errorf("claim: %v", err)
			}
		})
	}
	wg.Wait()
	claimed := t.claim(total)
	for _, tasks := range claims {
		claimed = append(claimed, tasks...)
	}
	t.inAnyOrder(claimed, ids, "each was to be taken back and claimed once")
	for _, task := range claimed {
		if task.Crashes != 1 {
			t.Errorf("task %d has %d crashes after one lease ended, want 1", task.ID, task.Crashes)
		}
	}
}
