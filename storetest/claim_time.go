package storetest

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var claimTimeCases = []testCase{
	{
		name: "ClaimNeverEarlySubSecond", rule: 10, run: claimNeverEarlySubSecond,
		says: "a task is never claimed before its ETA or delay, not by a fraction of a second; then it is",
	},
	{
		name: "ClaimTimesAreFine", rule: 10, run: claimTimesAreFine,
		says: "times are kept to a microsecond, not rounded to something coarser",
	},
	{
		name: "ClaimDelayCountsFromStoreClock", rule: 10, run: claimDelayCountsFromStoreClock,
		says: "a delay counts from the insertion, on the store's clock",
	},
	{
		name: "ClaimPastETANow", rule: 10, run: claimPastETANow,
		says: "a task with an ETA in the past is due at once",
	},
	{
		name: "ClaimFarETALater", rule: 10, run: claimFarETALater,
		says: "an ETA or delay of centuries is neither due nor an error",
	},
	{
		name: "ClaimETAOfAnyZone", rule: 10, run: claimETAOfAnyZone,
		says: "an ETA is a moment: its time zone does not matter",
	},
	{
		name: "ClaimRescheduledNeverEarly", rule: 10, run: claimRescheduledNeverEarly,
		says: "a rescheduled task is not claimed before its time, not by a fraction of a second; then it is",
	},
}

// notEarly claims up to limit tasks, of which each must be due by then. The clock may run.
func (t *T) notEarly(limit int) []store.Task {
	t.Helper()
	tasks := t.claim(limit)
	for _, task := range tasks {
		if early := task.Due.Sub(claimedAt(task)); early > time.Microsecond {
			t.Fatalf("task %d was claimed %s before it is due", task.ID, early)
		}
	}
	return tasks
}

func claimNeverEarlySubSecond(t *T) {
	now := t.storeNow()
	earliest := map[int64]time.Time{}
	for _, ms := range []int{300, 499, 501, 999} {
		d := time.Duration(ms) * time.Millisecond
		in := t.insertAny(newTask(withDelay(d)), newTask(withETA(now.Add(d))))
		earliest[in[0].ID] = in[0].Created.Add(d)
		earliest[in[1].ID] = now.Add(d)
	}
	claimed := t.notEarly(10)
	for range 4 {
		t.advance(250*time.Millisecond + time.Millisecond)
		claimed = append(claimed, t.notEarly(10)...)
	}
	if len(claimed) != len(earliest) {
		t.Fatalf("after more than a second, %d of %d tasks were claimed", len(claimed), len(earliest))
	}
	for _, task := range claimed {
		if early := earliest[task.ID].Sub(claimedAt(task)); early > time.Microsecond {
			t.Errorf("task %d was claimed %s before its time", task.ID, early)
		}
		if d := task.Due.Sub(earliest[task.ID]); d < -time.Microsecond || d > time.Millisecond {
			t.Errorf("task %d is due %s after its time, want no more than rounding up", task.ID, d)
		}
	}
}

func claimTimesAreFine(t *T) {
	const step = time.Millisecond
	now := t.storeNow()
	for range 3 {
		t.advance(step)
		later := t.storeNow()
		if d := later.Sub(now); d < step-time.Microsecond {
			t.Fatalf("the clock was moved by %s, the next task was created %s after the one before", step, d)
		}
		now = later
	}
	for _, d := range []time.Duration{time.Microsecond, 1500 * time.Microsecond, time.Second + time.Microsecond} {
		in := t.insertAny(newTask(withDelay(d)))[0]
		if off := in.Due.Sub(in.Created) - d; off.Abs() > time.Microsecond {
			t.Fatalf("with a delay of %s the task is due %s off", d, off)
		}
	}
}

func claimDelayCountsFromStoreClock(t *T) {
	const delay = 5 * time.Minute
	in := t.insertAny(newTask(withDelay(delay)))[0]
	if d := in.Due.Sub(in.Created); d < delay || d > delay+time.Minute {
		t.Fatalf("with a delay of %s the task is due %s after it was created", delay, d)
	}
	t.claimNone("its delay is not over")
	t.advance(delay - time.Minute)
	t.claimNone("its delay is not over")
	t.advance(time.Minute + time.Second)
	if got := t.claimOne(); !sameTime(got.Due, in.Due) {
		t.Fatalf("inserted as due %s, claimed as due %s", in.Due, got.Due)
	}
}

func claimPastETANow(t *T) {
	now := t.storeNow()
	var ids []int64
	for _, eta := range []time.Time{
		now, now.Add(-time.Millisecond), now.Add(-24 * time.Hour), time.Unix(0, 0), time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		ids = append(ids, t.insertOne(withETA(eta)))
	}
	t.inAnyOrder(t.claim(10), ids, "every ETA is in the past")
}

func claimFarETALater(t *T) {
	t.insertOne(withETA(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)))
	t.insertOne(withDelay(1<<63 - 1))
	t.claimNone("they are due in centuries")
	t.advance(time.Hour)
	t.claimNone("they are due in centuries")
}

func claimETAOfAnyZone(t *T) {
	const ahead = 5 * time.Minute
	now := t.storeNow()
	for _, hours := range []int{-11, 0, 13} {
		zone := time.FixedZone("kit", hours*60*60)
		in := t.insertAny(newTask(withETA(now.Add(ahead).In(zone))))[0]
		if d := in.Due.Sub(now.Add(ahead)); d < -time.Microsecond || d > time.Millisecond {
			t.Fatalf("an ETA given in a zone %d hours ahead is due %s off", hours, d)
		}
	}
	t.claimNone("their ETA is ahead")
	t.advance(ahead + time.Second)
	if got := len(t.claim(10)); got != 3 {
		t.Fatalf("3 tasks of one ETA in different zones are due, claimed %d", got)
	}
}

func claimRescheduledNeverEarly(t *T) {
	for _, kind := range []store.Kind{store.Retry, store.Snooze} {
		t.insertOne()
		for _, ms := range []int{300, 700} {
			task := t.claimOne()
			after := time.Duration(ms) * time.Millisecond
			t.ok(t.reschedule(task, kind, after, ""), kind.String())
			again := t.notEarly(1)
			if len(again) == 0 {
				t.advance(after + time.Millisecond)
				again = t.notEarly(1)
			}
			if len(again) != 1 {
				t.Fatalf("a task rescheduled by %s is not due %s later", kind, after)
			}
			if d := again[0].Due.Sub(claimedAt(task)); d < after {
				t.Fatalf("a task rescheduled by %s to %s later is due %s after it was claimed before", kind, after, d)
			}
			t.ok(t.reschedule(again[0], store.Release, 0, ""), "release")
		}
		t.ok(t.complete(t.claimOne(), nil), "complete")
	}
}
