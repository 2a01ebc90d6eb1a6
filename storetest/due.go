package storetest

import (
	"reflect"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var dueCases = []testCase{
	{
		name: "SetDueNow", rule: 18, needs: needs(dueSetter), run: setDueNow,
		says: "whatever a waiting task waits for, it can be made due now, by no time or by one that is past",
	},
	{
		name: "SetDueNeverEarly", rule: 10, needs: needs(dueSetter), run: setDueNeverEarly,
		says: "a task is not claimed before the time that it was given, not by a fraction of a second; then it is",
	},
	{
		name: "SetDueTimesAreKept", rule: 10, needs: needs(dueSetter, getter), run: setDueTimesAreKept,
		says: "a task is due at the ETA that it was given, rounded up, or the delay after now on the store's clock",
	},
	{
		name: "SetDueOrder", rule: 8, needs: needs(dueSetter), run: setDueOrder,
		says: "tasks that were given another time are claimed by that, then by id, and by priority before both",
	},
	{
		name: "SetDueKeepsTheRest", rule: 18, needs: needs(dueSetter, getter), run: setDueKeepsTheRest,
		says: "nothing of a task changes but its due time: neither counters, history and unique key, nor counts",
	},
	{
		name: "SetDueOthersNoOp", rule: 18, needs: needs(dueSetter, getter), run: setDueOthersNoOp,
		says: "running and finished tasks are passed over: a lease still holds, and a release puts the task back in its place",
	},
	{
		name: "SetDueLimitLowestFirst", rule: 18, needs: needs(dueSetter), run: setDueLimitLowestFirst,
		says: "a limit takes the lowest ids first, counts only tasks that change, and zero is no limit, however many there are",
	},
	{
		name: "SetDueInvalidRefused", rule: 2, needs: needs(dueSetter, getter), run: setDueInvalidRefused,
		says: "a time that no new task could have, and an empty filter, are refused, and change nothing",
	},
	{
		name: "SetDueOfPausedQueue", rule: 17, needs: needs(dueSetter, pauser), run: setDueOfPausedQueue,
		says: "a task of a paused queue can be given another time, and is not claimed for it until the queue is resumed",
	},
	{
		name: "SetDueRacesWithClaims", rule: 18, needs: needs(dueSetter), run: setDueRacesWithClaims,
		says: "however often tasks are given another time while they are claimed, each runs once",
	},
}

// setDue ends the case unless SetDue changes exactly these tasks.
func (t *T) setDue(when store.When, ids ...int64) {
	t.Helper()
	t.dueSet(store.Filter{IDs: ids}, when, 0, ids...)
}

// dueSet ends the case unless SetDue by a filter changes exactly the tasks want.
func (t *T) dueSet(f store.Filter, when store.When, limit int, want ...int64) {
	t.Helper()
	changed, err := as[store.DueSetter](t).SetDue(t.Context(), f, when, limit)
	t.ok(err, "set due")
	if !slices.Equal(changed, want) {
		t.Fatalf("SetDue changed %d tasks, %v, want %v", len(changed), changed, want)
	}
}

func setDueNow(t *T) {
	now := t.storeNow()
	for _, when := range []store.When{{}, {ETA: now}, {ETA: now.Add(-time.Hour)}, {ETA: time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		retried, snoozed := t.running(), t.running()
		t.ok(t.reschedule(retried, store.Retry, time.Hour, "no"), "retry")
		t.ok(t.reschedule(snoozed, store.Snooze, time.Hour, ""), "snooze")
		ids := append([]int64{retried.ID, snoozed.ID}, t.insert(newTask(withDelay(time.Hour)), newTask(withETA(now.Add(time.Hour))), newTask())...)
		t.setDue(when, ids...)
		claimed := t.notEarly(10)
		t.inAnyOrder(claimed, ids, "all were made due")
		for _, task := range claimed {
			if task.Due.Before(now) {
				t.Fatalf("a task made due at %s or later is due %s", now, task.Due)
			}
			t.ok(t.complete(task, nil), "complete")
		}
	}
}

func setDueNeverEarly(t *T) {
	t.insertOne()
	for _, ms := range []int{300, 499, 501, 999} {
		after := time.Duration(ms) * time.Millisecond
		for _, relative := range []bool{true, false} {
			task := t.claimOne()
			t.ok(t.reschedule(task, store.Release, 0, ""), "release")
			earliest := t.storeNow().Add(after)
			when := store.When{ETA: earliest}
			if relative {
				when = store.When{Delay: after}
			}
			t.setDue(when, task.ID)
			again := t.notEarly(1)
			if len(again) == 0 {
				t.advance(after + time.Millisecond)
				again = t.notEarly(1)
			}
			if len(again) != 1 {
				t.Fatalf("a task made due %s later is not due then", after)
			}
			if early := earliest.Sub(claimedAt(again[0])); early > time.Microsecond {
				t.Fatalf("a task made due %s later was claimed %s before", after, early)
			}
			t.ok(t.reschedule(again[0], store.Release, 0, ""), "release")
		}
	}
}

func setDueTimesAreKept(t *T) {
	id := t.insertOne()
	for _, eta := range []time.Time{
		t.storeNow().Add(time.Hour), t.storeNow().Add(90*time.Minute + 1).In(time.FixedZone("kit", 11*60*60)),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		t.setDue(store.When{ETA: eta}, id)
		if off := t.task(id).Due.Sub(eta); off < -time.Microsecond || off > time.Millisecond {
			t.Fatalf("given the ETA %s, the task is due %s off", eta, off)
		}
	}
	for _, delay := range []time.Duration{time.Hour, 90 * time.Second} {
		before := t.storeNow()
		t.setDue(store.When{Delay: delay}, id)
		due, after := t.task(id).Due, t.storeNow()
		if due.Before(before.Add(delay-time.Microsecond)) || due.After(after.Add(delay+time.Second)) {
			t.Fatalf("given a delay of %s between %s and %s, the task is due %s", delay, before, after, due)
		}
	}
	t.setDue(store.When{Delay: 1<<63 - 1}, id)
	t.advance(time.Hour)
	t.claimNone("it is due in centuries")
}

func setDueOrder(t *T) {
	ids := t.insert(newTask(), newTask(), newTask(), newTask(), newTask(withPriority(-1)), newTask(withPriority(1)))
	eta := t.storeNow().Add(time.Minute)
	t.setDue(store.When{ETA: eta.Add(2 * time.Second)}, ids[0], ids[3], ids[5])
	t.setDue(store.When{ETA: eta}, ids[1], ids[4])
	t.setDue(store.When{ETA: eta.Add(time.Second)}, ids[2])
	t.claimNone("all are due in a minute")
	t.advance(time.Minute + 3*time.Second)
	t.inOrder(t.claim(10), []int64{ids[5], ids[1], ids[2], ids[0], ids[3], ids[4]}, "by priority, due time and id")
}

func setDueKeepsTheRest(t *T) {
	t.running(withAllFields, withDelay(0))
	t.outliveLease()
	task := t.claimOne()
	t.ok(t.reschedule(task, store.Retry, time.Hour, "no"), "retry")
	before := t.task(task.ID)
	counts := t.allCounts()
	t.setDue(store.When{Delay: 2 * time.Hour}, task.ID)
	after := t.task(task.ID)
	if !after.Due.After(before.Due) {
		t.Fatalf("due %s, and an hour later %s", before.Due, after.Due)
	}
	after.Due = before.Due
	if !reflect.DeepEqual(after, before) {
		t.Fatalf("the task was %+v, and given another time it is %+v", before, after)
	}
	if got := t.allCounts(); !slices.Equal(got, counts) {
		t.Fatalf("the counts were %+v, and are %+v", counts, got)
	}
	t.keyHeld(task.UniqueKey, task.ID, "after it was given another time")
	t.setDue(store.When{}, task.ID)
	again := t.claimOne()
	t.sameInput(again, newTask(withAllFields))
	if again.Retries != 1 || again.Crashes != 1 || len(again.Errors) != 1 {
		t.Fatalf("made due: %d retries, %d crashes, errors %v", again.Retries, again.Crashes, again.Errors)
	}
}

// allCounts returns the counts, if the store can count.
func (t *T) allCounts() []store.QueueCounts {
	t.Helper()
	c, ok := store.As[store.Counter](t.store)
	if !ok {
		return nil
	}
	counts, err := c.Counts(t.Context())
	t.ok(err, "counts")
	return counts
}

func setDueOthersNoOp(t *T) {
	completed, failed, running := t.running(), t.running(), t.running()
	t.ok(t.complete(completed, nil), "complete")
	t.ok(t.fail(failed, ""), "fail")
	waiting := t.insertOne()
	before := t.tasks(completed.ID, failed.ID, running.ID)
	t.dueSet(store.Filter{IDs: []int64{completed.ID, failed.ID, running.ID, waiting, waiting + 1000}}, store.When{Delay: time.Hour}, 0, waiting)
	t.dueSet(store.Filter{Statuses: []store.Status{store.Running, store.Completed, store.Failed, store.Cancelled}}, store.When{}, 0)
	if after := t.tasks(completed.ID, failed.ID, running.ID); !reflect.DeepEqual(after, before) {
		t.Fatalf("the others were %+v, and are %+v", before, after)
	}
	t.claimNone("one runs, and the other is due in an hour")
	t.ok(t.reschedule(running, store.Release, 0, ""), "release of the running task")
	t.inOrder(t.claim(10), []int64{running.ID}, "it is due when it was")
}

func setDueLimitLowestFirst(t *T) {
	const many = 1100
	held := t.running()
	tasks := make([]store.NewTask, many)
	for i := range tasks {
		tasks[i] = newTask(withDelay(time.Hour))
	}
	ids := slices.Sorted(slices.Values(t.insert(tasks...)))
	live := store.Filter{Statuses: []store.Status{store.Created, store.Running}, Queues: []string{queueA}}
	for range 2 { // they still match
		t.dueSet(live, store.When{}, 2, ids[:2]...)
	}
	t.inAnyOrder(t.claim(10), ids[:2], "two were made due")
	t.dueSet(live, store.When{}, 0, ids[2:]...)
	t.inAnyOrder(t.claim(many), ids[2:], "all others were made due")
	if _, err := as[store.DueSetter](t).SetDue(t.endedContext(), live, store.When{}, 0); err == nil {
		t.Fatal("SetDue with a context that has ended: no error")
	}
	t.ok(t.complete(held, nil), "complete of the task that ran")
}

func setDueInvalidRefused(t *T) {
	id := t.insertOne()
	due := t.task(id).Due
	set := func(f store.Filter, when store.When) error {
		_, err := as[store.DueSetter](t).SetDue(t.Context(), f, when, 0)
		return err
	}
	for _, when := range []store.When{
		{Delay: -1}, {ETA: t.storeNow().Add(time.Hour), Delay: time.Hour},
		{ETA: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, {ETA: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		t.refused(set(store.Filter{IDs: []int64{id}}, when), store.ErrInvalid, "set due at "+when.ETA.String()+", "+when.Delay.String())
	}
	t.refused(set(store.Filter{}, store.When{Delay: time.Hour}), store.ErrInvalid, "set due by an empty filter")
	if got := t.task(id).Due; !got.Equal(due) {
		t.Fatalf("the task was due %s, and is due %s", due, got)
	}
	t.claimOne()
}

func setDueOfPausedQueue(t *T) {
	now, later := t.insertOne(withDelay(time.Hour)), t.insertOne()
	t.pause(queueA)
	t.setDue(store.When{}, now)
	t.setDue(store.When{Delay: time.Hour}, later)
	t.claimNone("the queue is paused")
	t.resume(queueA)
	t.inOrder(t.claim(10), []int64{now}, "it was made due")
}
