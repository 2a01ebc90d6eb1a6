package storetest

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var parentRefusedCases = []testCase{
	{
		name: "ParentInvalidChildRefusesAll", rule: 2, needs: needs(parentCompleter), run: parentInvalidChildRefusesAll,
		says: "an invalid child, or an oversized result, leaves the parent running and stores nothing",
	},
	{
		name: "ParentTooLargeRefused", rule: 20, needs: needs(parentCompleter), run: parentTooLargeRefused,
		says: "a completion and its children are at most MaxTx writes; more are refused and change nothing",
	},
	{
		name: "ParentKeysAreJudged", rule: 13, needs: needs(parentCompleter), run: parentKeysAreJudged,
		says: "a child whose key is held is dropped, or replaces the holder if it asks to, and all others are stored",
	},
	{
		name: "ParentKeyPassedOn", rule: 13, needs: needs(parentCompleter), run: parentKeyPassedOn,
		says: "a child may take the key that its parent's completion frees",
	},
	{
		name: "ParentEndedContextChangesNothing", rule: 19, needs: needs(parentCompleter), run: parentEndedContextChangesNothing,
		says: "a call whose context has ended before changes nothing",
	},
}

func parentInvalidChildRefusesAll(t *T) {
	parent := t.running()
	for _, bad := range invalidTasks {
		_, err := t.completeParent(parent, nil, aChild(), newTask(bad.edit), aChild())
		t.refused(err, store.ErrInvalid, "completion with "+bad.fault)
		t.refusedItems(err, store.ErrInvalid, "completion with "+bad.fault, 1)
	}
	_, err := t.completeParent(parent, make([]byte, store.MaxPayload+1), aChild())
	t.refused(err, store.ErrTooLarge, "completion with an oversized result")
	t.claimNone("all of it was refused")
	t.ok(t.fail(parent, ""), "fail of the parent, which still runs")
}

func parentTooLargeRefused(t *T) {
	parent := t.running()
	children := make([]store.NewTask, store.MaxTx)
	for i := range children {
		children[i] = aChild()
	}
	_, err := t.completeParent(parent, nil, children...)
	t.refused(err, store.ErrTxTooLarge, "completion with MaxTx children")
	t.claimNone("it was refused")
	children = children[1:]
	out, err := t.completeParent(parent, nil, children...)
	t.inAnyOrder(t.claim(2*store.MaxTx), t.born(out, err, children), "as many children as a completion takes")
}

func parentKeysAreJudged(t *T) {
	holder := newTask(withKey("held"), withDelay(time.Hour))
	held := t.insert(holder)[0]
	waiting := t.insertOne(withKey("waits"), withDelay(time.Hour))
	parent := t.running()
	replacement := newTask(withKey("waits"), replacing, withParams("replacement"))
	out, err := t.completeParent(parent, nil,
		aChild(), newTask(withKey("held"), withParams("dropped")), replacement, aChild(withKey("free")), aChild(withKey("free")))
	t.ok(err, "completion with children")
	if len(out) != 5 {
		t.Fatalf("completion with 5 children returned %d results", len(out))
	}
	for i, want := range []store.Inserted{
		{ID: out[0].ID, Outcome: store.Stored},
		{ID: held, Outcome: store.Existing},
		{ID: waiting, Outcome: store.Replaced},
		{ID: out[3].ID, Outcome: store.Stored},
		{ID: out[3].ID, Outcome: store.Existing},
	} {
		if out[i].ID != want.ID || out[i].Outcome != want.Outcome {
			t.Fatalf("child %d became %+v, want outcome %d of task %d", i, out[i], want.Outcome, want.ID)
		}
	}
	tasks := t.claim(10)
	t.inAnyOrder(tasks, []int64{out[0].ID, waiting, out[3].ID}, "two were stored, and one replaced a task that waited")
	for _, task := range tasks {
		if task.ID == waiting {
			t.sameInput(task, replacement)
		}
		t.ok(t.complete(task, nil), "complete")
	}
	t.advance(2 * time.Hour)
	last := t.claimOne()
	t.inOrder([]store.Task{last}, []int64{held}, "it holds its key")
	t.sameInput(last, holder)
	t.ok(t.complete(last, nil), "complete")
	t.claimNone("the child that met a held key does not come when the key is free")
}

func parentKeyPassedOn(t *T) {
	parent := t.running(withKey("k"))
	children := []store.NewTask{aChild(withKey("k"))}
	out, err := t.completeParent(parent, nil, children...)
	ids := t.born(out, err, children)
	t.keyHeld("k", ids[0], "after its parent's completion")
	t.inOrder(t.claim(10), ids, "the child has the key")
}

func parentEndedContextChangesNothing(t *T) {
	parent := t.running()
	_, err := as[store.ParentCompleter](t).CompleteParent(t.endedContext(),
		store.Completion{ID: parent.ID, Lease: parent.Lease}, []store.NewTask{aChild()})
	if err == nil {
		t.Fatal("completion with a context that has ended: no error")
	}
	t.claimNone("nothing was inserted")
	t.ok(t.fail(parent, ""), "fail of the parent, which still runs")
}
