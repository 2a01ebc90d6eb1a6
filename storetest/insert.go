package storetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var insertCases = slices.Concat(insertPlainCases, insertRepeatCases, insertRefusedCases, insertTxCases)

var insertPlainCases = []testCase{
	{
		name: "InsertRoundtripAllFields", rule: 16, run: insertRoundtripAllFields,
		says: "every field of an inserted task comes back from the claim as it went in",
	},
	{
		name: "InsertRoundtripZeroFields", rule: 16, run: insertRoundtripZeroFields,
		says: "fields that were left empty come back empty",
	},
	{
		name: "InsertGetAllFields", rule: 5, needs: needs(getter), run: insertGetAllFields,
		says: "a task shows all its fields when created, running and completed; only a running one has a lease",
	},
	{
		name: "InsertBinaryAndInvalidUTF8Exact", rule: 16, run: insertBinaryAndInvalidUTF8Exact,
		says: "Params and Meta come back byte for byte, whatever they hold and whatever the encoding's name",
	},
	{
		name: "InsertPayloadAtCap", rule: 16, run: insertPayloadAtCap,
		says: "Params of a mebibyte are stored and come back exactly",
	},
	{
		name: "InsertEmptyBatch", rule: 3, run: insertEmptyBatch,
		says: "an empty batch is nothing to do",
	},
	{
		name: "InsertIDsPositiveAndDistinct", rule: 1, run: insertIDsPositiveAndDistinct,
		says: "ids are positive and no two tasks share one, also if many insert at once",
	},
	{
		name: "InsertCallerKeepsSlices", rule: 16, run: insertCallerKeepsSlices,
		says: "a caller may change what it inserted and what it claimed, and nothing stored changes",
	},
	{
		name: "InsertCancelledContextChangesNothing", rule: 19, run: insertCancelledContextChangesNothing,
		says: "an insertion whose ctx had ended before it began stores nothing",
	},
}

func withAllFields(n *store.NewTask) {
	*n = store.NewTask{
		Name: "kit.add", Queue: queueB, Priority: -1, Encoding: "cbor/v1", Params: []byte("\x00\x01{"),
		Meta:  map[string]string{"trace": "t-1", "": "", "a.b$c": "é€😀 'quoted' \"twice\" \\ \n"},
		Delay: 90 * time.Second, MaxRetries: 7, RetryDelay: 1500 * time.Millisecond,
		Timeout: 2500 * time.Millisecond, UniqueKey: "order 7, é€",
	}
}

// sameInput ends the case unless task is what n asked for, as far as n says.
func (t *T) sameInput(task store.Task, n store.NewTask) {
	t.Helper()
	for _, f := range []struct {
		name string
		same bool
	}{
		{"Name", task.Name == n.Name},
		{"Queue", task.Queue == n.Queue},
		{"Priority", task.Priority == n.Priority},
		{"Encoding", task.Encoding == n.Encoding},
		{"Params", bytes.Equal(task.Params, n.Params)},
		{"Meta", maps.Equal(task.Meta, n.Meta)},
		{"MaxRetries", task.MaxRetries == n.MaxRetries},
		{"RetryDelay", task.RetryDelay == n.RetryDelay},
		{"Timeout", task.Timeout == n.Timeout},
		{"UniqueKey", task.UniqueKey == n.UniqueKey},
	} {
		if !f.same {
			t.Errorf("%s of task %d did not come back: inserted %+v, got %+v", f.name, task.ID, n, task)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// untouched ends the case unless task has no trace of a run.
func (t *T) untouched(task store.Task) {
	t.Helper()
	if task.Retries != 0 || task.Crashes != 0 || len(task.Errors) != 0 || len(task.Returned) != 0 ||
		task.CancelRequested || !task.Finished.IsZero() {
		t.Fatalf("a task that never ended a run shows traces of one: %+v", task)
	}
}

func insertRoundtripAllFields(t *T) {
	n := newTask(withAllFields)
	in := t.insertAny(n)[0]
	t.advance(2 * time.Minute)
	c := newClaim(1)
	tasks := t.claimAs(c)
	t.inOrder(tasks, []int64{in.ID}, "the task is due")
	got := tasks[0]
	t.sameInput(got, n)
	t.untouched(got)
	if got.Status != store.Running || got.Lease != c.Lease || got.Worker != c.Worker {
		t.Fatalf("claimed under lease %s by %s, got status %s, lease %s, worker %s",
			c.Lease, c.Worker, got.Status, got.Lease, got.Worker)
	}
	if in.Created.IsZero() || !sameTime(got.Created, in.Created) || !sameTime(got.Due, in.Due) {
		t.Fatalf("created %s and due %s, but inserted as created %s, due %s", got.Created, got.Due, in.Created, in.Due)
	}
}

func insertRoundtripZeroFields(t *T) {
	n := store.NewTask{Name: nameA, Queue: queueA, Encoding: "json"}
	t.insert(n)
	got := t.claimOne()
	t.sameInput(got, n)
	t.untouched(got)
}

func insertGetAllFields(t *T) {
	n := newTask(withAllFields)
	id := t.insert(n)[0]
	waiting := t.task(id)
	t.sameInput(waiting, n)
	t.untouched(waiting)
	if waiting.Status != store.Created || !waiting.Lease.IsZero() || !waiting.LeaseEnd.IsZero() || waiting.Worker != "" {
		t.Fatalf("a waiting task shows a lease: %+v", waiting)
	}

	t.advance(2 * time.Minute)
	claimed := t.claimOne()
	running := t.task(id)
	t.sameInput(running, n)
	t.untouched(running)
	if running.Status != store.Running || running.Lease != claimed.Lease || running.Worker != claimed.Worker ||
		!sameTime(running.LeaseEnd, claimed.LeaseEnd) {
		t.Fatalf("claimed as %+v, but it shows %+v", claimed, running)
	}

	t.ok(t.complete(claimed, []byte("done")), "complete")
	done := t.task(id)
	t.sameInput(done, n)
	if done.Status != store.Completed || string(done.Returned) != "done" || done.Finished.Before(done.Created) {
		t.Fatalf("a completed task shows %+v", done)
	}
	if !done.Lease.IsZero() || !done.LeaseEnd.IsZero() || done.Worker != "" {
		t.Fatalf("a completed task shows a lease: %+v", done)
	}
}

func insertBinaryAndInvalidUTF8Exact(t *T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	payloads := [][]byte{
		every,
		[]byte("\x00"),
		[]byte("\xff\xfe"),
		[]byte("{\"b\": 1,\n  \"a\": 1.0, \"a\": 12345678901234567890}"), // what a JSON column would rewrite
		[]byte("no JSON"),
		[]byte(" \r\n"),
	}
	for _, encoding := range []string{"json", "binary"} {
		for _, p := range payloads {
			n := newTask(func(n *store.NewTask) { n.Encoding, n.Params = encoding, p })
			t.insert(n)
			t.sameInput(t.claimOne(), n)
		}
	}
}

func insertPayloadAtCap(t *T) {
	n := newTask(func(n *store.NewTask) { n.Params = bytes.Repeat([]byte("\x00\xff~\n"), 1<<18) })
	t.insert(n)
	if got := t.claimOne(); !bytes.Equal(got.Params, n.Params) {
		t.Fatalf("Params of %d bytes came back as %d different ones", len(n.Params), len(got.Params))
	}
}

func insertEmptyBatch(t *T) {
	for _, batch := range [][]store.NewTask{nil, {}} {
		if out := t.insertAny(batch...); len(out) != 0 {
			t.Fatalf("an empty batch returned %v", out)
		}
	}
	t.claimNone("nothing was inserted")
}

func insertIDsPositiveAndDistinct(t *T) {
	const callers, calls, size = 4, 5, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int64]bool{}
	for range callers {
		wg.Go(func() {
			for range calls {
				tasks := make([]store.NewTask, size)
				for i := range tasks {
					tasks[i] = newTask()
				}
				out, err := t.store.Insert(t.Context(), tasks)
				if err != nil {
					t.Errorf("insert: %v", err)
					return
				}
				mu.Lock()
				for i, in := range out {
					if in.ID <= 0 || seen[in.ID] || tasks[i].ID != in.ID {
						t.Errorf("id %d is not positive, or given twice, or not the one set in the batch: %d", in.ID, tasks[i].ID)
					}
					seen[in.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got, want := len(t.claim(2*callers*calls*size)), callers*calls*size; got != want {
		t.Fatalf("%d tasks were inserted, %d are due", want, got)
	}
}

func insertCallerKeepsSlices(t *T) {
	n := newTask(withAllFields, withDelay(0))
	want := newTask(withAllFields)
	t.insert(n)
	n.Params[0] = 'X'
	n.Meta["trace"] = "changed"

	c := newClaim(1)
	for range 2 {
		got := t.claimAs(c)
		if len(got) != 1 {
			t.Fatalf("claimed %d tasks, want 1", len(got))
		}
		t.sameInput(got[0], want)
		got[0].Params[0] = 'Y'
		got[0].Meta["trace"] = "changed again"
	}
}

func insertCancelledContextChangesNothing(t *T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := t.store.Insert(ctx, []store.NewTask{newTask()})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("insert with a cancelled ctx: error %v, want %v", err, context.Canceled)
	}
	t.claimNone("its insertion was cancelled before it began")
}
