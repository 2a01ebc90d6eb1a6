package storetest

import (
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var leaseExtendCases = []testCase{
	{
		name: "LeaseExtendProlongs", rule: 6, needs: needs(extender), run: leaseExtendProlongs,
		says: "an extended lease ends no sooner than asked for, and then its task is due since that end",
	},
	{
		name: "LeaseExtendNeverShortens", rule: 6, needs: needs(extender), run: leaseExtendNeverShortens,
		says: "an extension never lets a lease end sooner",
	},
	{
		name: "LeaseExtendHoldsAllTasks", rule: 6, needs: needs(extender), run: leaseExtendHoldsAllTasks,
		says: "an extension holds every task of the lease, and none that the lease gave back",
	},
	{
		name: "LeaseExtendStaleRefused", rule: 6, needs: needs(extender), run: leaseExtendStaleRefused,
		says: "a lease that was taken back, has settled all its tasks, or never was, is lost and stays so",
	},
	{
		name: "LeaseExtendRevivesUnclaimed", rule: 6, needs: needs(extender), run: leaseExtendRevivesUnclaimed,
		says: "a lease that ended, but whose tasks were not taken back, may be extended",
	},
	{
		name: "LeaseExtendBatchPartial", rule: 6, needs: needs(extender), run: leaseExtendBatchPartial,
		says: "of a batch of leases each is extended or lost on its own, and the answers are by position",
	},
	{
		name: "LeaseExtendSeesCancelled", rule: 12, needs: needs(extender, canceler), run: leaseExtendSeesCancelled,
		says: "an extension names the lease's tasks whose cancellation was asked for, each time, and no others",
	},
	{
		name: "LeaseExtendShowsInTask", rule: 5, needs: needs(extender, getter), run: leaseExtendShowsInTask,
		says: "a running task shows when its lease ends now",
	},
}

// extend extends the leases by d and returns how each stands.
func (t *T) extend(d time.Duration, leases ...store.LeaseID) []store.Extended {
	t.Helper()
	out, err := as[store.Extender](t).Extend(t.Context(), d, leases)
	t.ok(err, "extend")
	if len(out) != len(leases) {
		t.Fatalf("extend of %d leases returned %d results", len(leases), len(out))
	}
	return out
}

// extended ends the case unless the task's lease was extended by d.
func (t *T) extended(task store.Task, d time.Duration) {
	t.Helper()
	if t.extend(d, task.Lease)[0].Lost {
		t.Fatalf("the lease that holds task %d is said to be lost", task.ID)
	}
}

// lost ends the case unless the task's lease is lost.
func (t *T) lost(task store.Task, why string) {
	t.Helper()
	if !t.extend(leaseTime, task.Lease)[0].Lost {
		t.Fatalf("the lease of task %d was extended, want lost: %s", task.ID, why)
	}
}

func leaseExtendProlongs(t *T) {
	task := t.running()
	t.advance(leaseTime / 2)
	t.extended(task, 2*leaseTime)
	t.advance(leaseTime)
	t.claimNone("its lease was extended beyond its first end")
	t.advance(leaseTime + time.Second)
	again := t.claimOne()
	end := task.LeaseEnd.Add(3 * leaseTime / 2)
	if d := again.Due.Sub(end); again.ID != task.ID || d < 0 || d > leaseTime/2 {
		t.Fatalf("task %d is due since %s, want %d since the extended end of its lease, %s or a little later",
			again.ID, again.Due, task.ID, end)
	}
	if again.Crashes != 1 {
		t.Fatalf("%d crashes, want 1", again.Crashes)
	}
}

func leaseExtendNeverShortens(t *T) {
	task := t.running()
	for _, d := range []time.Duration{time.Millisecond, time.Second} {
		t.extended(task, d)
	}
	t.advance(leaseTime / 2)
	t.claimNone("its lease was extended by less than it had left")
	t.extended(task, time.Millisecond)
	t.claimNone("its lease was extended by less than it had left")
}

func leaseExtendHoldsAllTasks(t *T) {
	ids := t.insert(newTask(), newTask(), newTask())
	tasks := t.claim(3)
	t.inOrder(tasks, ids, "all are due")
	t.ok(t.reschedule(tasks[0], store.Release, 0, ""), "release")
	t.extended(tasks[1], 3*leaseTime)
	t.inOrder(t.claim(10), ids[:1], "it was released before the extension")
	t.outliveLease()
	t.inOrder(t.claim(10), ids[:1], "the lease of the others was extended, this one has another")
	t.ok(t.complete(tasks[1], nil), "complete under the extended lease")
	t.ok(t.complete(tasks[2], nil), "complete under the extended lease")
}

func leaseExtendStaleRefused(t *T) {
	never := store.Task{Lease: store.NewLeaseID()}
	t.lost(never, "no claim was made under it")

	settled := t.running()
	t.ok(t.complete(settled, nil), "complete")
	t.lost(settled, "its task is completed")

	released := t.running()
	t.ok(t.reschedule(released, store.Release, 0, ""), "release")
	t.lost(released, "its task was released")

	stale := t.claimOne()
	t.outliveLease()
	t.claimAs(onlyTakesBack())
	t.lost(stale, "its task was taken back")
	task := t.claimOne()
	t.lost(stale, "its task has another lease")
	t.refused(t.complete(stale, nil), store.ErrLeaseLost, "complete under a lease that was extended in vain")
	t.ok(t.complete(task, nil), "complete under the lease that holds the task")
}

func leaseExtendRevivesUnclaimed(t *T) {
	task := t.running()
	t.outliveLease()
	t.extended(task, leaseTime)
	t.claimNone("its lease was extended before it was taken back")
	t.ok(t.complete(task, nil), "complete under the extended lease")
}

func leaseExtendBatchPartial(t *T) {
	t.insert(newTask(), newTask(), newTask())
	first, settled, last := t.claimOne(), t.claimOne(), t.claimOne()
	t.ok(t.complete(settled, nil), "complete")
	t.advance(leaseTime / 2)
	out := t.extend(2*leaseTime, first.Lease, last.Lease, settled.Lease, store.NewLeaseID())
	var lost []bool
	for _, e := range out {
		lost = append(lost, e.Lost)
	}
	if want := []bool{false, false, true, true}; !slices.Equal(lost, want) {
		t.Fatalf("lost are %v, want %v", lost, want)
	}
	t.advance(leaseTime)
	t.claimNone("both leases were extended")
	if out := t.extend(leaseTime); len(out) != 0 {
		t.Fatalf("extend of no leases returned %v", out)
	}
}

func leaseExtendSeesCancelled(t *T) {
	t.insert(newTask(), newTask(), newTask())
	pair, other := t.claim(2), t.claimOne()
	if out := t.extend(leaseTime, pair[0].Lease, other.Lease); len(out[0].Cancelled)+len(out[1].Cancelled) != 0 {
		t.Fatalf("nothing was cancelled, the extension says %v and %v", out[0].Cancelled, out[1].Cancelled)
	}
	t.cancel(pair[1].ID)
	for range 2 {
		out := t.extend(leaseTime, other.Lease, pair[0].Lease)
		if len(out[0].Cancelled) != 0 || !slices.Equal(out[1].Cancelled, []int64{pair[1].ID}) || out[1].Lost {
			t.Fatalf("task %d of the second lease is to be cancelled, the extension says %+v", pair[1].ID, out)
		}
	}
	t.ok(t.complete(pair[1], nil), "complete of a flagged task")
	if out := t.extend(leaseTime, pair[0].Lease)[0]; out.Lost || len(out.Cancelled) != 0 {
		t.Fatalf("the flagged task is completed, the extension says %+v", out)
	}
}

func leaseExtendShowsInTask(t *T) {
	task := t.running()
	t.extended(task, 5*leaseTime)
	shown := t.task(task.ID)
	if d := shown.LeaseEnd.Sub(task.LeaseEnd); d < 4*leaseTime {
		t.Fatalf("after the extension the lease ends %s later, want at least %s", d, 4*leaseTime)
	}
	if shown.Status != store.Running || shown.Lease != task.Lease || shown.Worker != task.Worker {
		t.Fatalf("after the extension the task shows %+v", shown)
	}
}
