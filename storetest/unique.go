package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var uniqueCases = slices.Concat(uniqueHeldCases, uniqueFreeCases, uniqueReplaceCases)

var uniqueHeldCases = []testCase{
	{
		name: "UniqueSecondReturnsExisting", rule: 13, run: uniqueSecondReturnsExisting,
		says: "inserting a held key returns the holder and changes nothing, whatever the second one's name and queue",
	},
	{
		name: "UniqueConcurrentOneWinner", rule: 13, run: uniqueConcurrentOneWinner,
		says: "of many insertions of one key at once, one is stored and all others return it",
	},
	{
		name: "UniqueWithinOneBatch", rule: 13, run: uniqueWithinOneBatch,
		says: "of two tasks with one key in a batch, one is stored and the other returns it",
	},
	{
		name: "UniqueKeysAreExact", rule: 13, run: uniqueKeysAreExact,
		says: "keys that differ in case, spaces or accents are different, and no key is none",
	},
	{
		name: "UniqueRepeatIsStored", rule: 4, run: uniqueRepeatIsStored,
		says: "a repeated insertion does not run into its own key, nor into a later holder's",
	},
	{
		name: "UniqueHeldWhileRunning", rule: 13, run: uniqueHeldWhileRunning,
		says: "a running task holds its key",
	},
	{
		name: "UniqueHeldAcrossRetry", rule: 13, run: uniqueHeldAcrossRetry,
		says: "a task that was rescheduled holds its key, waiting and running again",
	},
	{
		name: "UniqueHeldAcrossCrash", rule: 13, run: uniqueHeldAcrossCrash,
		says: "a task whose lease ended holds its key, before and after it is taken back",
	},
	{
		name: "UniqueExistingInTxCommitsTheRest", rule: 13, tx: true, run: uniqueExistingInTxCommitsTheRest,
		says: "a held key is no refusal: the transaction commits what else is in it",
	},
}

// keyHeld ends the case unless the live task id holds the key.
func (t *T) keyHeld(key string, id int64, when string) {
	t.Helper()
	in := t.insertAny(newTask(withKey(key), withParams("second")))[0]
	if in.Outcome != store.Existing || in.ID != id {
		t.Fatalf("%s, an insertion of its key returned %+v, want Existing of task %d", when, in, id)
	}
}

// keyFree ends the case unless the key can be taken, and ends the task that takes it.
func (t *T) keyFree(key string, when string) {
	t.Helper()
	in := t.insertAny(newTask(withKey(key), withParams("second")))[0]
	if in.Outcome != store.Stored {
		t.Fatalf("%s, an insertion of its key returned %+v, want Stored", when, in)
	}
	task := t.claimOne()
	if task.ID != in.ID {
		t.Fatalf("claimed task %d, want %d: %s", task.ID, in.ID, when)
	}
	t.ok(t.complete(task, nil), "complete")
}

func uniqueSecondReturnsExisting(t *T) {
	first := newTask(withKey("k"))
	id := t.insert(first)[0]
	t.keyHeld("k", id, "while it waits")
	in := t.insertAny(newTask(withKey("k"), withName(nameB), withQueue(queueB), withPriority(2)))[0]
	if in.Outcome != store.Existing || in.ID != id {
		t.Fatalf("another name and queue with the same key returned %+v, want Existing of task %d", in, id)
	}
	tasks := t.claim(10)
	t.inOrder(tasks, []int64{id}, "only one of them is stored")
	t.sameInput(tasks[0], first)
}

func uniqueConcurrentOneWinner(t *T) {
	const callers = 8
	results := make([]store.Inserted, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			out, err := t.store.Insert(t.Context(), []store.NewTask{newTask(withKey("k"))})
			if err != nil || len(out) != 1 {
				t.Errorf("insert: %v, %v", out, err)
				return
			}
			results[i] = out[0]
		})
	}
	wg.Wait()
	winner := t.claimOne()
	stored := 0
	for _, in := range results {
		if in.Outcome == store.Stored {
			stored++
		}
		if in.ID != winner.ID {
			t.Errorf("one caller was told of task %d, but task %d holds the key", in.ID, winner.ID)
		}
	}
	if stored != 1 {
		t.Errorf("%d callers were told that theirs is stored, want 1", stored)
	}
	t.claimNone("one task holds the key")
}

func uniqueWithinOneBatch(t *T) {
	out := t.insertAny(newTask(withKey("k")), newTask(), newTask(withKey("k")))
	holder := out[0]
	if out[0].Outcome == store.Existing {
		holder = out[2]
	}
	if out[0].Outcome == out[2].Outcome || out[0].ID != out[2].ID || holder.Outcome != store.Stored {
		t.Fatalf("two tasks with one key in a batch: %+v and %+v, want one Stored and the other Existing", out[0], out[2])
	}
	t.inAnyOrder(t.claim(10), []int64{holder.ID, out[1].ID}, "one with the key, one without")
}

func uniqueKeysAreExact(t *T) {
	var ids []int64
	for _, key := range []string{"", "", "k", "K", "k ", " k", "ḱ", "k%", "_", "'k'"} {
		ids = append(ids, t.insertOne(withKey(key)))
	}
	t.inAnyOrder(t.claim(20), ids, "no two of them have the same key")
}

func uniqueRepeatIsStored(t *T) {
	batch := []store.NewTask{newTask(withKey("k"))}
	id := t.insert(batch...)[0]
	t.insert(batch...)
	task := t.claimOne()
	t.insert(batch...)
	t.ok(t.complete(task, nil), "complete")
	t.insert(batch...)

	holder := t.insertOne(withKey("k"))
	if again := t.insert(batch...)[0]; again != id {
		t.Fatalf("the repeated insertion of task %d returned task %d", id, again)
	}
	t.inOrder(t.claim(10), []int64{holder}, "the first has finished, the second holds the key now")
}

func uniqueHeldWhileRunning(t *T) {
	task := t.running(withKey("k"))
	t.keyHeld("k", task.ID, "while it runs")
	t.claimNone("its key is held by a running task")
	t.ok(t.complete(task, nil), "complete")
	t.claimNone("its key was held by a running task")
}

func uniqueHeldAcrossRetry(t *T) {
	task := t.running(withKey("k"))
	for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
		t.ok(t.reschedule(task, kind, time.Second, ""), kind.String())
		t.keyHeld("k", task.ID, "after "+kind.String())
		t.advance(2 * time.Second)
		again := t.claimOne()
		if again.ID != task.ID {
			t.Fatalf("claimed task %d after %s, want %d", again.ID, kind, task.ID)
		}
		task = again
		t.keyHeld("k", task.ID, "running after "+kind.String())
	}
}

func uniqueHeldAcrossCrash(t *T) {
	id := t.running(withKey("k")).ID
	t.outliveLease()
	t.keyHeld("k", id, "after its lease ended")
	t.claimAs(onlyTakesBack())
	t.keyHeld("k", id, "taken back")
	t.inOrder(t.claim(10), []int64{id}, "it is due again")
	t.keyHeld("k", id, "running again")
}

// onlyTakesBack returns a claim of tasks that no case inserts, for what a claim does first.
func onlyTakesBack() store.Claim {
	c := newClaim(1)
	c.Names, c.Queues = []string{"kit.none"}, []string{"kit.none"}
	return c
}

func uniqueExistingInTxCommitsTheRest(t *T) {
	holder := t.insertOne(withKey("k"))
	t.insertInTx(newTask(withKey("k"), withParams("2")), newTask(withParams("plain")))
	tasks := t.claim(10)
	if len(tasks) != 2 || tasks[0].ID != holder || string(tasks[1].Params) != "plain" {
		t.Fatalf("due are tasks %v, want %d and one inserted beside the held key", idsOf(tasks), holder)
	}
}
