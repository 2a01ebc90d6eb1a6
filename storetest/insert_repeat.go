package storetest

import (
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var insertRepeatCases = []testCase{
	{
		name: "InsertReplyLostRepeatIsOneTask", rule: 4, run: insertReplyLostRepeatIsOneTask,
		says: "an insertion that is repeated with its ids stores each task once and reports it as stored",
	},
	{
		name: "InsertInterruptedInsertRepeatCompletes", rule: 1, run: insertInterruptedInsertRepeatCompletes,
		says: "a batch of which some tasks are stored already stores the others, and each once",
	},
	{
		name: "InsertRepeatChangesNothing", rule: 1, run: insertRepeatChangesNothing,
		says: "a repeat leaves the stored task as it is, whatever the repeat holds",
	},
	{
		name: "InsertRepeatAfterFinishedIsNoTask", rule: 1, run: insertRepeatAfterFinishedIsNoTask,
		says: "the repeat of an insertion whose task has finished meanwhile stores nothing, for ten minutes",
	},
	{
		name: "InsertRolledBackRepeatIsStored", rule: 1, tx: true, run: insertRolledBackRepeatIsStored,
		says: "a task that comes with an id is stored if no task with that id exists",
	},
}

func insertReplyLostRepeatIsOneTask(t *T) {
	tasks := []store.NewTask{newTask(), newTask(withParams("2")), newTask(withParams("3"))}
	first := t.insert(tasks...)
	for i, id := range first {
		if tasks[i].ID != id {
			t.Fatalf("the inserted task %d has the id %d in the caller's batch", id, tasks[i].ID)
		}
	}
	if again := t.insert(tasks...); !slices.Equal(again, first) {
		t.Fatalf("inserted as %v, and by the repeat as %v", first, again)
	}
	t.inAnyOrder(t.claim(10), first, "each was inserted once, and repeated")
}

func insertInterruptedInsertRepeatCompletes(t *T) {
	stored := t.insert(newTask(), newTask())
	batch := []store.NewTask{
		newTask(withParams("new")), newTask(withID(stored[0])),
		newTask(withParams("new")), newTask(withID(stored[1])),
	}
	ids := t.insert(batch...)
	if ids[1] != stored[0] || ids[3] != stored[1] {
		t.Fatalf("repeats of %v were answered as %v", stored, ids)
	}
	t.insert(batch...)
	t.inAnyOrder(t.claim(10), ids, "two were stored before, two are new, all were repeated")
}

func insertRepeatChangesNothing(t *T) {
	first := newTask(withDelay(time.Minute))
	id := t.insert(first)[0]
	t.insert(newTask(withID(id), withName(nameB), withQueue(queueB), withParams("2"), withPriority(2)))
	t.claimNone("a repeat does not change when a task is due")
	t.advance(2 * time.Minute)
	got := t.claimOne()
	t.sameInput(got, first)
	t.insert(newTask(withID(id), withParams("3")))
	t.claimNone("a repeat does not free a running task")
	t.ok(t.complete(got, nil), "complete after the insertion was repeated")
}

func insertRepeatAfterFinishedIsNoTask(t *T) {
	for _, end := range []struct {
		name string
		end  func(store.Task) error
	}{
		{"completed", func(task store.Task) error { return t.complete(task, nil) }},
		{"failed", func(task store.Task) error { return t.fail(task, "no") }},
		{"cancelled", t.cancelAsWorker},
	} {
		task := t.running()
		t.ok(end.end(task), end.name)
		t.insert(newTask(withID(task.ID)))
		t.claimNone("it was " + end.name + " before its insertion was repeated")
		t.advance(2 * time.Minute)
		t.insert(newTask(withID(task.ID)))
		t.claimNone("it was " + end.name + " minutes before its insertion was repeated")
	}
}

// cancelAsWorker ends a running task as cancelled.
func (t *T) cancelAsWorker(task store.Task) error {
	return t.store.Fail(t.Context(), []store.Failure{{ID: task.ID, Lease: task.Lease, Cancelled: true}})
}

func insertRolledBackRepeatIsStored(t *T) {
	tasks := []store.NewTask{newTask(), newTask(withParams("2"))}
	t.rolledBack(tasks)
	ids := t.insert(tasks...)
	for i, n := range tasks {
		if n.ID != ids[i] {
			t.Fatalf("the task with id %d was stored as %d", n.ID, ids[i])
		}
	}
	t.insert(tasks...)
	t.inAnyOrder(t.claim(10), ids, "their first insertion was rolled back, two more were not")
}
