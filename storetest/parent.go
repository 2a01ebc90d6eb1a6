package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// The cases of ParentCompleter use no transaction, so they are for stores that have none, too.
var parentCases = slices.Concat([]testCase{
	{
		name: "ParentCompletesWithChildren", rule: 20, needs: needs(parentCompleter), run: parentCompletesWithChildren,
		says: "when the call returns nil, the parent is completed and its children are there, whole and with their ids",
	},
	{
		name: "ParentWithoutChildren", rule: 20, needs: needs(parentCompleter), run: parentWithoutChildren,
		says: "a parent without children is completed",
	},
	{
		name: "ParentRepeatInsertsOnce", rule: 20, needs: needs(parentCompleter), run: parentRepeatInsertsOnce,
		says: "a repeat under the lease that completed the parent is nil and inserts no child twice, not even a finished one",
	},
	{
		name: "ParentStaleLeaseLeavesNoChild", rule: 20, needs: needs(parentCompleter), run: parentStaleLeaseLeavesNoChild,
		says: "a lease that does not hold the parent completes nothing, leaves no child, and is told so",
	},
	{
		name: "ParentReleaseAfterRefused", rule: 15, needs: needs(parentCompleter), run: parentReleaseAfterRefused,
		says: "after a call that completed the parent, a Release under its lease is refused, and the children stay",
	},
	{
		name: "ParentReleaseFirstRefuses", rule: 15, needs: needs(parentCompleter), run: parentReleaseFirstRefuses,
		says: "once a Release was accepted, the parent cannot be completed under that lease",
	},
	{
		name: "ParentRacesRelease", rule: 15, needs: needs(parentCompleter), run: parentRacesRelease,
		says: "of a completion with children and a Release at the same time, exactly one happens",
	},
	{
		name: "ParentFlaggedCompletes", rule: 12, needs: needs(parentCompleter, canceler), run: parentFlaggedCompletes,
		says: "a parent whose cancellation was asked for may still complete, with its children",
	},
}, parentRefusedCases)

// completeParent completes a task and inserts its children.
func (t *T) completeParent(task store.Task, returned []byte, children ...store.NewTask) ([]store.Inserted, error) {
	return as[store.ParentCompleter](t).CompleteParent(t.Context(),
		store.Completion{ID: task.ID, Lease: task.Lease, Returned: returned}, children)
}

// lostParent ends the case unless err says that the lease does not hold the parent.
func (t *T) lostParent(err error, parent store.Task, doing string) {
	t.Helper()
	t.refused(err, store.ErrLeaseLost, doing)
	t.refusedIDs(err, doing, parent.ID)
	if batch := (*store.BatchError)(nil); errors.As(err, &batch) && batch.Op != "complete" {
		t.Fatalf("%s: the refusal is of the Op %q", doing, batch.Op)
	}
}

// aChild returns a task for the other queue than its parent's.
func aChild(edit ...func(*store.NewTask)) store.NewTask {
	return newTask(append(edit, withQueue(queueB))...)
}

// born ends the case unless every child was stored, and returns their ids.
func (t *T) born(out []store.Inserted, err error, children []store.NewTask) []int64 {
	t.Helper()
	t.ok(err, "completion with children")
	if len(out) != len(children) {
		t.Fatalf("completion with %d children returned %d results", len(children), len(out))
	}
	var ids []int64
	for i, n := range children {
		if in := out[i]; in.Outcome != store.Stored || in.ID <= 0 || in.ID != n.ID || in.Created.IsZero() {
			t.Fatalf("child %d has the id %d in the caller's batch, and became %+v", i, n.ID, in)
		}
		ids = append(ids, n.ID)
	}
	return ids
}

func parentCompletesWithChildren(t *T) {
	parent := t.running()
	children := []store.NewTask{newTask(withAllFields, withDelay(0)), aChild(withDelay(3*time.Minute), withParams("late"))}
	want := []store.NewTask{children[0].Clone(), children[1].Clone()}
	result := []byte(`"done"`)
	out, err := t.completeParent(parent, result, children...)
	ids := t.born(out, err, children)
	result[0], children[0].Params[0], children[1].Params[0] = 'X', 'X', 'X' // they are the caller's

	first := t.claimOne()
	t.sameInput(first, want[0])
	t.untouched(first)
	t.claimNone("the other child is not due yet")
	t.ok(t.complete(first, nil), "complete of a child")
	t.advance(4 * time.Minute)
	late := t.claim(10)
	t.inOrder(late, ids[1:], "the parent is completed, with one child; the other is due")
	t.sameInput(late[0], want[1])
	if _, ok := store.As[store.Getter](t.store); ok {
		if got := t.task(parent.ID); got.Status != store.Completed || string(got.Returned) != `"done"` {
			t.Fatalf("the completed parent is %+v", got)
		}
	}
}

func parentWithoutChildren(t *T) {
	parent := t.running()
	out, err := t.completeParent(parent, nil)
	t.born(out, err, nil)
	t.refused(t.fail(parent, ""), store.ErrLeaseLost, "fail of the completed parent")
	t.outliveLease()
	t.claimNone("the parent is completed")
}

func parentRepeatInsertsOnce(t *T) {
	parent := t.running()
	children := []store.NewTask{aChild(), aChild(withKey("k"))}
	out, err := t.completeParent(parent, nil, children...)
	ids := t.born(out, err, children)
	repeat := func() {
		t.Helper()
		out, err := t.completeParent(parent, nil, children...)
		if again := t.born(out, err, children); !slices.Equal(again, ids) {
			t.Fatalf("the children are %v, by the repeat %v", ids, again)
		}
	}
	repeat()
	kids := t.claim(10)
	t.inAnyOrder(kids, ids, "each was inserted once, and repeated")
	repeat()
	t.claimNone("the children run")
	for _, kid := range kids {
		t.ok(t.complete(kid, nil), "complete of a child")
	}
	repeat()
	t.claimNone("the children have finished")
	t.advance(2 * time.Minute)
	repeat()
	t.claimNone("the children have finished, minutes ago")
	t.ok(t.complete(parent, nil), "complete, repeated, of the parent alone")
}

func parentStaleLeaseLeavesNoChild(t *T) {
	stale := t.running()
	t.outliveLease()
	holder := t.claimOne()
	refuse := func(lease store.LeaseID, doing string) {
		t.Helper()
		parent := holder
		parent.Lease = lease
		_, err := t.completeParent(parent, nil, aChild())
		t.lostParent(err, parent, doing)
		t.claimNone(doing + " left no child")
	}
	refuse(stale.Lease, "completion under the lease before")
	refuse(store.NewLeaseID(), "completion under another lease")
	refuse(store.LeaseID{}, "completion under no lease")
	children := []store.NewTask{aChild()}
	out, err := t.completeParent(holder, nil, children...)
	t.inOrder(t.claim(10), t.born(out, err, children), "the holder completed the parent")
	refuse(stale.Lease, "completion after another lease's")

	holder = t.running()
	t.ok(t.fail(holder, ""), "fail")
	refuse(holder.Lease, "completion of a failed parent")
}

func parentReleaseAfterRefused(t *T) {
	parent := t.running()
	children := []store.NewTask{aChild()}
	out, err := t.completeParent(parent, nil, children...)
	ids := t.born(out, err, children)
	t.refused(t.reschedule(parent, store.Release, 0, ""), store.ErrLeaseLost, "release of the completed parent")
	t.inOrder(t.claim(10), ids, "the parent is completed, its child is there")
}

func parentReleaseFirstRefuses(t *T) {
	parent := t.running()
	t.ok(t.reschedule(parent, store.Release, 0, ""), "release")
	_, err := t.completeParent(parent, nil, aChild())
	t.lostParent(err, parent, "completion of a released parent")
	again := t.claim(10)
	t.inOrder(again, []int64{parent.ID}, "the parent was released, and its child never existed")
	_, err = t.completeParent(parent, nil, aChild())
	t.lostParent(err, parent, "completion under the lease before")
	t.claimNone("the parent runs again, and its child never existed")
}

func parentRacesRelease(t *T) {
	for range 10 {
		parent := t.running()
		released := make(chan error, 1)
		go func() { released <- t.reschedule(parent, store.Release, 0, "") }()
		_, completed := t.completeParent(parent, nil, aChild())
		release := <-released
		if (completed == nil) == (release == nil) {
			t.Fatalf("of a completion and a release exactly one is to happen: completion %v, release %v", completed, release)
		}
		want := queueB
		if completed == nil {
			t.refused(release, store.ErrLeaseLost, "release after the completion")
		} else {
			t.lostParent(completed, parent, "completion after the release")
			want = queueA
		}
		got := t.claimOne()
		if got.Queue != want {
			t.Fatalf("completion %v, release %v, then claimed %+v", completed, release, got)
		}
		t.claimNone("either the parent or its child is there")
		t.ok(t.complete(got, nil), "complete")
	}
}

func parentFlaggedCompletes(t *T) {
	parent := t.cancelRunning()
	children := []store.NewTask{aChild()}
	out, err := t.completeParent(parent, nil, children...)
	t.inOrder(t.claim(10), t.born(out, err, children), "the parent completed before it was cancelled")
}
