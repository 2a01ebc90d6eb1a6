package storetest

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var uniqueReplaceCases = []testCase{
	{
		name: "UniqueReplaceWaiting", rule: 13, run: uniqueReplaceWaiting,
		says: "a replacement gives a waiting task its own fields and due time; the task keeps its id",
	},
	{
		name: "UniqueReplaceMovesDueBothWays", rule: 13, run: uniqueReplaceMovesDueBothWays,
		says: "a replacement may make a task due later or sooner",
	},
	{
		name: "UniqueReplaceFreeKeyIsStored", rule: 13, run: uniqueReplaceFreeKeyIsStored,
		says: "a replacement that finds nobody with its key is an ordinary insertion",
	},
	{
		name: "UniqueReplaceRunningIsExisting", rule: 13, run: uniqueReplaceRunningIsExisting,
		says: "a running task is not replaced",
	},
	{
		name: "UniqueReplaceOtherNameIsExisting", rule: 13, run: uniqueReplaceOtherNameIsExisting,
		says: "a task of another name or queue is not replaced",
	},
	{
		name: "UniqueReplaceInTx", rule: 14, tx: true, run: uniqueReplaceInTx,
		says: "a replacement takes effect with the commit of its transaction",
	},
}

// replaced ends the case unless n replaces the waiting task id.
func (t *T) replaced(id int64, n store.NewTask) {
	t.Helper()
	in := t.insertAny(n)[0]
	if in.Outcome != store.Replaced || in.ID != id {
		t.Fatalf("a replacement returned %+v, want Replaced of task %d", in, id)
	}
}

// notReplaced ends the case unless n leaves the task id alone.
func (t *T) notReplaced(id int64, n store.NewTask, why string) {
	t.Helper()
	in := t.insertAny(n)[0]
	if in.Outcome != store.Existing || in.ID != id {
		t.Fatalf("%s: a replacement returned %+v, want Existing of task %d", why, in, id)
	}
}

func uniqueReplaceWaiting(t *T) {
	id := t.insertOne(withKey("k"), func(n *store.NewTask) { n.Meta = map[string]string{"old": "1"} })
	second := newTask(withKey("k"), replacing, withPriority(2), withDelay(2*time.Minute), func(n *store.NewTask) {
		n.Encoding, n.Params, n.Meta = "text", []byte("two"), map[string]string{"new": "2"}
		n.MaxRetries, n.RetryDelay, n.Timeout = 9, 9*time.Second, 9*time.Minute
	})
	t.replaced(id, second)
	t.claimNone("the replacement is due later")
	t.advance(3 * time.Minute)
	tasks := t.claim(10)
	t.inOrder(tasks, []int64{id}, "the task keeps its id, and there is only one")
	t.sameInput(tasks[0], second)
	t.untouched(tasks[0])
}

func uniqueReplaceMovesDueBothWays(t *T) {
	id := t.insertOne(withKey("k"), withDelay(time.Minute))
	t.replaced(id, newTask(withKey("k"), replacing, withDelay(3*time.Minute)))
	t.advance(2 * time.Minute)
	t.claimNone("it was replaced by one that is due later")
	t.replaced(id, newTask(withKey("k"), replacing))
	t.inOrder(t.claim(10), []int64{id}, "it was replaced by one that is due at once")
}

func uniqueReplaceFreeKeyIsStored(t *T) {
	id := t.insertOne(withKey("k"), replacing)
	task := t.claimOne()
	t.ok(t.complete(task, nil), "complete")
	again := t.insertOne(withKey("k"), replacing)
	if again == id {
		t.Fatalf("a new task got the id %d of the finished one with its key", id)
	}
	t.inOrder(t.claim(10), []int64{again}, "the former holder has finished")
}

func uniqueReplaceRunningIsExisting(t *T) {
	first := newTask(withKey("k"))
	id := t.insert(first)[0]
	task := t.claimOne()
	t.notReplaced(id, newTask(withKey("k"), replacing, withParams("2"), withDelay(time.Hour)), "the holder runs")
	t.ok(t.reschedule(task, store.Release, 0, ""), "release")
	t.sameInput(t.claimOne(), first)
}

func uniqueReplaceOtherNameIsExisting(t *T) {
	first := newTask(withKey("k"))
	id := t.insert(first)[0]
	t.notReplaced(id, newTask(withKey("k"), replacing, withParams("2"), withName(nameB)), "another name")
	t.notReplaced(id, newTask(withKey("k"), replacing, withParams("2"), withQueue(queueB)), "another queue")
	tasks := t.claim(10)
	t.inOrder(tasks, []int64{id}, "nothing else was stored")
	t.sameInput(tasks[0], first)
}

func uniqueReplaceInTx(t *T) {
	id := t.insertOne(withKey("k"))
	second := newTask(withKey("k"), replacing, withParams("2"))
	t.insertInTx(second)
	tasks := t.claim(10)
	t.inOrder(tasks, []int64{id}, "it was replaced, and nothing else stored")
	t.sameInput(tasks[0], second)
}
