package storetest

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var insertRefusedCases = []testCase{
	{
		name: "InsertBadNamesRefused", rule: 2, run: insertBadNamesRefused,
		says: "a task that breaks a stated bound is refused with ErrInvalid, and the rest of its batch is stored",
	},
	{
		name: "InsertPayloadOverCapRefused", rule: 2, run: insertPayloadOverCapRefused,
		says: "Params over the limit are refused with an error that says the size and the limit; the rest is stored",
	},
	{
		name: "InsertUniqueConflictLeavesNoTrace", rule: 13, run: insertUniqueConflictLeavesNoTrace,
		says: "a task whose unique key is held is not stored, now or later; the rest of its batch is",
	},
}

var invalidTasks = []struct {
	fault string
	edit  func(*store.NewTask)
}{
	{"an empty name", withName("")},
	{"a name with a space", withName("kit add")},
	{"a name with a NUL", withName("kit\x00add")},
	{"a name of invalid UTF-8", withName("kit\xff")},
	{"an overlong name", withName(strings.Repeat("é", store.MaxName+1))},
	{"an empty queue", withQueue("")},
	{"a queue with a line break", withQueue("kit\na")},
	{"an overlong queue", withQueue(strings.Repeat("q", store.MaxName+1))},
	{"an empty encoding", func(n *store.NewTask) { n.Encoding = "" }},
	{"a unique key with a NUL", withKey("k\x00")},
	{"an overlong unique key", withKey(strings.Repeat("k", store.MaxName+1))},
	{"too low a priority", withPriority(store.MinPriority - 1)},
	{"too high a priority", withPriority(store.MaxPriority + 1)},
	{"negative retries", func(n *store.NewTask) { n.MaxRetries = -1 }},
	{"a negative delay", withDelay(-time.Nanosecond)},
	{"a negative retry delay", func(n *store.NewTask) { n.RetryDelay = -time.Second }},
	{"a negative timeout", func(n *store.NewTask) { n.Timeout = -time.Second }},
	{"an ETA and a delay", func(n *store.NewTask) { n.ETA, n.Delay = time.Unix(0, 0), time.Second }},
	{"an ETA beyond the years", withETA(time.Unix(math.MaxInt32*200, 0))},
	{"a negative id", withID(-1)},
	{"meta with a NUL", func(n *store.NewTask) { n.Meta = map[string]string{"a": "\x00"} }},
	{"too much meta", func(n *store.NewTask) { n.Meta = map[string]string{"a": strings.Repeat("m", store.MaxMeta)} }},
}

func insertBadNamesRefused(t *T) {
	var good []int64
	for _, bad := range invalidTasks {
		batch := []store.NewTask{newTask(), newTask(bad.edit), newTask()}
		out, err := t.store.Insert(t.Context(), batch)
		t.refusedItems(err, store.ErrInvalid, "insert of "+bad.fault, 1)
		if len(out) != len(batch) {
			t.Fatalf("insert of %d tasks returned %d results", len(batch), len(out))
		}
		good = append(good, out[0].ID, out[2].ID)
	}
	t.inAnyOrder(t.claim(2*len(good)), good, "all others were refused")
}

func insertPayloadOverCapRefused(t *T) {
	over := newTask(func(n *store.NewTask) { n.Params = make([]byte, store.MaxPayload+1) })
	out, err := t.store.Insert(t.Context(), []store.NewTask{newTask(), over, newTask()})
	t.refusedItems(err, store.ErrTooLarge, "insert of a payload over the limit", 1)
	if !errors.Is(err, store.ErrInvalid) {
		t.Fatalf("error %v is not ErrInvalid as well", err)
	}
	for _, size := range []int{store.MaxPayload + 1, store.MaxPayload} {
		if !strings.Contains(err.Error(), strconv.Itoa(size)) {
			t.Fatalf("error %q does not name the %d bytes", err, size)
		}
	}
	if len(out) != 3 {
		t.Fatalf("insert of 3 tasks returned %d results", len(out))
	}
	t.inAnyOrder(t.claim(10), []int64{out[0].ID, out[2].ID}, "only the oversized one was refused")
}

func insertUniqueConflictLeavesNoTrace(t *T) {
	holder := newTask(withKey("k"))
	held := t.insert(holder)[0]
	out := t.insertAny(newTask(), newTask(withKey("k"), withParams("2"), withPriority(2)), newTask())
	if out[1].Outcome != store.Existing || out[1].ID != held {
		t.Fatalf("insert of a held key: %+v, want Existing of task %d", out[1], held)
	}
	tasks := t.claim(10)
	t.inAnyOrder(tasks, []int64{held, out[0].ID, out[2].ID}, "the second one with the key was not stored")
	for _, task := range tasks {
		if task.ID == held {
			t.sameInput(task, holder)
		}
		t.ok(t.complete(task, nil), "complete")
	}
	t.claimNone("the one that met a held key does not come when the key is free")
}
