package storetest

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var settleAgainCases = []testCase{
	{
		name: "SettleRescheduleRetry", rule: 11, run: settleRescheduleRetry,
		says: "a retry counts one retry more and is due After from now, not sooner",
	},
	{
		name: "SettleRescheduleSnooze", rule: 11, run: settleRescheduleSnooze,
		says: "a snooze counts nothing and is due After from now, not sooner",
	},
	{
		name: "SettleReleaseKeepsPlaceAndCounters", rule: 11, run: settleReleaseKeepsPlaceAndCounters,
		says: "a released task is due as before, with its counters and history, in its old place",
	},
	{
		name: "SettleRescheduleStaleRefused", rule: 6, run: settleRescheduleStaleRefused,
		says: "Reschedule under a lease that lost its task is refused and changes nothing",
	},
	{
		name: "SettleRescheduledLeaseIsSpent", rule: 6, run: settleRescheduledLeaseIsSpent,
		says: "once a task was given back, the lease that held it can do nothing more to it",
	},
	{
		name: "SettleRescheduleRepeatCountsOnce", rule: 4, run: settleRescheduleRepeatCountsOnce,
		says: "a repeated Reschedule is refused or does nothing: it never counts twice",
	},
	{
		name: "SettleRescheduleNeighboursStay", rule: 6, run: settleRescheduleNeighboursStay,
		says: "giving one task back leaves its lease with the others that it holds",
	},
}

func settleRescheduleRetry(t *T) {
	task := t.running()
	t.ok(t.reschedule(task, store.Retry, 10*time.Minute, "first"), "retry")
	t.advance(9 * time.Minute)
	t.claimNone("the retry is due in ten minutes")
	t.advance(time.Minute + time.Second)
	again := t.claimOne()
	if again.ID != task.ID || again.Retries != 1 || again.Attempt() != 2 || again.Crashes != 0 {
		t.Fatalf("after one retry: task %d, %d retries, attempt %d, %d crashes", again.ID, again.Retries, again.Attempt(), again.Crashes)
	}
	if wait := again.Due.Sub(task.Due); wait < 10*time.Minute || wait > 11*time.Minute {
		t.Fatalf("a retry after ten minutes is due %s after its first run", wait)
	}
	t.ok(t.reschedule(again, store.Retry, 0, "second"), "retry now")
	if third := t.claimOne(); third.Retries != 2 {
		t.Fatalf("after two retries: %d retries", third.Retries)
	}
}

func settleRescheduleSnooze(t *T) {
	task := t.running()
	t.ok(t.reschedule(task, store.Snooze, 10*time.Minute, ""), "snooze")
	t.advance(9 * time.Minute)
	t.claimNone("the snooze ends in ten minutes")
	t.advance(time.Minute + time.Second)
	again := t.claimOne()
	if again.Retries != 0 || again.Crashes != 0 || len(again.Errors) != 0 {
		t.Fatalf("a snooze left %d retries, %d crashes, errors %v", again.Retries, again.Crashes, again.Errors)
	}
}

func settleReleaseKeepsPlaceAndCounters(t *T) {
	task := t.running()
	t.ok(t.reschedule(task, store.Retry, 0, "boom"), "retry")
	task = t.claimOne()
	t.advance(10 * time.Second)
	newer := t.insertOne()
	t.ok(t.reschedule(task, store.Release, time.Hour, ""), "release")
	again := t.claim(2)
	t.inOrder(again, []int64{task.ID, newer}, "the released task was due before the other was inserted")
	if !sameTime(again[0].Due, task.Due) || again[0].Retries != 1 || again[0].Crashes != 0 || len(again[0].Errors) != 1 {
		t.Fatalf("released with due %s, got due %s, %d retries, %d crashes, errors %v",
			task.Due, again[0].Due, again[0].Retries, again[0].Crashes, again[0].Errors)
	}
}

func settleRescheduleStaleRefused(t *T) {
	stale := t.running()
	t.outliveLease()
	task := t.claimOne()
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		t.refused(t.reschedule(stale, kind, time.Hour, "stale"), store.ErrLeaseLost, kind.String()+" under a lost lease")
	}
	t.claimNone("the task is still held")
	t.ok(t.complete(task, nil), "complete under the lease that holds the task")
}

func settleRescheduledLeaseIsSpent(t *T) {
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		spent := t.running()
		t.ok(t.reschedule(spent, kind, 0, ""), kind.String())
		t.refused(t.complete(spent, nil), store.ErrLeaseLost, "complete after "+kind.String())
		t.refused(t.fail(spent, ""), store.ErrLeaseLost, "fail after "+kind.String())
		again := t.claimOne()
		t.refused(t.complete(spent, nil), store.ErrLeaseLost, "complete under the lease before")
		t.ok(t.complete(again, nil), "complete")
	}
}

func settleRescheduleRepeatCountsOnce(t *T) {
	task := t.running()
	t.ok(t.reschedule(task, store.Retry, 0, "boom"), "retry")
	if err := t.reschedule(task, store.Retry, 0, "boom"); err != nil {
		t.refused(err, store.ErrLeaseLost, "retry repeated")
	}
	again := t.claimOne()
	if again.Retries != 1 || len(again.Errors) != 1 {
		t.Fatalf("one retry, sent twice: %d retries, errors %v", again.Retries, again.Errors)
	}
	t.claimNone("there is one task")
}

func settleRescheduleNeighboursStay(t *T) {
	t.insert(newTask(), newTask())
	tasks := t.claim(2)
	t.ok(t.reschedule(tasks[0], store.Release, 0, ""), "release")
	t.inOrder(t.claim(2), idsOf(tasks[:1]), "one of two was given back")
	t.ok(t.complete(tasks[1], nil), "complete of the neighbour")
}
