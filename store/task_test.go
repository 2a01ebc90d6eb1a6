package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fireflytasks/go-firefly/store"
)

// fields returns the JSON form of a task, field by field, as it stands in the text.
func fields(t *testing.T, task *store.Task) map[string]string {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	got := make(map[string]string, len(raw))
	for name, value := range raw {
		got[name] = string(value)
	}
	return got
}

func requireFields(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func fullTask() store.Task {
	at := func(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 500_000_000, time.UTC) }
	return store.Task{
		ID: 7, Name: "math.add", Queue: "default", Priority: -1, Status: store.Completed,
		Encoding: "json", Params: []byte(`{"a": 1}`), Returned: []byte(`4`),
		Meta:    map[string]string{"trace": "t1"},
		Created: at(1), Due: at(2), Finished: at(3),
		MaxRetries: 5, RetryDelay: 1500 * time.Millisecond, Timeout: time.Minute, Retries: 2, Crashes: 1,
		Errors:    []store.AttemptError{{Attempt: 1, At: at(4), Text: "no such host"}},
		UniqueKey: "order-7", CancelRequested: true,
		Lease: store.LeaseID{0xab, 15: 0xcd}, LeaseEnd: at(5), Worker: "host-1",
	}
}

func TestTaskJSONOfEveryField(t *testing.T) {
	task := fullTask()
	got := fields(t, &task)
	want := map[string]string{
		"id": `7`, "func_name": `"math.add"`, "queue": `"default"`, "priority": `-1`, "status": `"completed"`,
		"created": `"2026-01-02T03:04:01.5Z"`, "not_before": `"2026-01-02T03:04:02.5Z"`,
		"completed": `"2026-01-02T03:04:03.5Z"`, "failed": `null`, "cancelled": `null`,
		"encoding": `"json"`, "params": `{"a":1}`, "returned": `4`, "meta": `{"trace":"t1"}`,
		"max_retries": `5`, "retry_delay": `1.5`, "timeout": `60`, "retry_attempts": `2`, "crashes": `1`,
		"errors":     `[{"attempt":1,"at":"2026-01-02T03:04:04.5Z","error":"no such host"}]`,
		"unique_key": `"order-7"`, "cancel_requested": `true`,
		"lease": `"ab0000000000000000000000000000cd"`, "lease_end": `"2026-01-02T03:04:05.5Z"`, "worker": `"host-1"`,
	}
	requireFields(t, got, want)
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("an unexpected field %s", name)
		}
	}
}

func TestTaskJSONOfAFreshTask(t *testing.T) {
	got := fields(t, &store.Task{ID: 1, Name: "a", Queue: "q", Status: store.Created, Encoding: "json"})
	requireFields(t, got, map[string]string{
		"created": `null`, "not_before": `null`, "completed": `null`, "failed": `null`, "cancelled": `null`,
		"params": `null`, "returned": `null`, "max_retries": `0`, "retry_delay": `0`, "retry_attempts": `0`,
	})
	for _, name := range []string{"meta", "errors", "unique_key", "cancel_requested", "lease", "lease_end", "worker"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s is %s, want it left out", name, value)
		}
	}
}

func TestTaskJSONFinishedStandsUnderItsStatus(t *testing.T) {
	const at = `"2026-01-02T03:04:03.5Z"`
	for _, status := range []store.Status{store.Created, store.Running, store.Completed, store.Failed, store.Cancelled} {
		t.Run(string(status), func(t *testing.T) {
			task := fullTask()
			task.Status = status
			want := map[string]string{"completed": `null`, "failed": `null`, "cancelled": `null`}
			if status.Terminal() {
				want[string(status)] = at
			}
			want["status"] = `"` + string(status) + `"`
			requireFields(t, fields(t, &task), want)
		})
	}
}

func TestTaskJSONPayload(t *testing.T) {
	for _, tc := range []struct {
		name, encoding string
		payload        []byte
		want           string
	}{
		{"JSON is raw", "json", []byte(`{"n": [1, null]}`), `{"n":[1,null]}`},
		{"no JSON after all", "json", []byte(`{"n":`), `"{\"n\":"`},
		{"empty is no JSON", "json", []byte{}, `""`},
		{"none", "json", nil, `null`},
		{"text of another encoding", "text", []byte(`{"n":1}`), `"{\"n\":1}"`},
		{"text with a NUL", "text", []byte("a\x00b"), `"a\u0000b"`},
		{"binary of another encoding", "proto", []byte{0xff, 0xfe, 0x00}, `"//4A"`},
		{"binary that is no JSON", "json", []byte{0xff, 0xfe, 0x00}, `"//4A"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			task := store.Task{Encoding: tc.encoding, Params: tc.payload, Returned: tc.payload}
			requireFields(t, fields(t, &task), map[string]string{"params": tc.want, "returned": tc.want})
		})
	}
}

func FuzzTaskJSON(f *testing.F) {
	f.Add("json", []byte(`{"a":1}`), "default")
	f.Add("json", []byte("\"\xff\""), "\xff")
	f.Add("proto", []byte{0xff, 0}, "")
	f.Fuzz(func(t *testing.T, encoding string, payload []byte, text string) {
		task := store.Task{Name: text, Queue: text, Encoding: encoding, Params: payload, Returned: payload, Worker: text}
		out, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(out) || !utf8.Valid(out) {
			t.Errorf("%q is not valid JSON", out)
		}
	})
}

func TestTaskCloneSharesNothing(t *testing.T) {
	task := fullTask()
	c := task.Clone()
	requireFields(t, fields(t, &c), fields(t, &task))
	c.Params[0], c.Returned[0], c.Meta["trace"], c.Errors[0].Text = 'X', 'X', "X", "X"
	want := fullTask()
	if got := fields(t, &task); !slices.Equal(task.Params, want.Params) || !slices.Equal(task.Returned, want.Returned) ||
		task.Meta["trace"] != "t1" || task.Errors[0].Text != "no such host" {
		t.Errorf("a change of the clone changed the task: %v", got)
	}
}

func TestTaskCloneKeepsNil(t *testing.T) {
	c := (&store.Task{}).Clone()
	if c.Params != nil || c.Returned != nil || c.Meta != nil || c.Errors != nil {
		t.Errorf("nil became something: %+v", c)
	}
}

func TestTaskAttemptCountsRetriesAndCrashes(t *testing.T) {
	for _, tc := range []struct{ retries, crashes, want int }{{0, 0, 1}, {1, 0, 2}, {0, 1, 2}, {3, 2, 6}} {
		task := store.Task{Retries: tc.retries, Crashes: tc.crashes}
		if got := task.Attempt(); got != tc.want {
			t.Errorf("%d retries and %d crashes: attempt %d, want %d", tc.retries, tc.crashes, got, tc.want)
		}
	}
}

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		status          store.Status
		valid, terminal bool
	}{
		{store.Created, true, false},
		{store.Running, true, false},
		{store.Completed, true, true},
		{store.Failed, true, true},
		{store.Cancelled, true, true},
		{"", false, false},
		{"done", false, false},
	} {
		t.Run(string(tc.status), func(t *testing.T) {
			if got := tc.status.Valid(); got != tc.valid {
				t.Errorf("Valid is %t", got)
			}
			if got := tc.status.Terminal(); got != tc.terminal {
				t.Errorf("Terminal is %t", got)
			}
		})
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[store.Kind]string{
		store.Retry: "retry", store.Snooze: "snooze", store.Release: "release", store.Release + 1: "invalid",
	} {
		if got := kind.String(); got != want {
			t.Errorf("kind %d is %q, want %q", kind, got, want)
		}
	}
}

func TestLeaseID(t *testing.T) {
	if (store.LeaseID{}).IsZero() != true || store.NewLeaseID().IsZero() {
		t.Error("IsZero does not tell the zero id from a fresh one")
	}
	if a, b := store.NewLeaseID(), store.NewLeaseID(); a == b {
		t.Errorf("two fresh ids are both %s", a)
	}
	id := store.LeaseID{0xab, 15: 0xcd}
	if got, want := id.String(), "ab"+strings.Repeat("00", 14)+"cd"; got != want {
		t.Errorf("String is %s, want %s", got, want)
	}
}

func TestSortClaimed(t *testing.T) {
	at := time.Now()
	tasks := []store.Task{
		{ID: 1, Queue: "a", Priority: -1, Due: at},
		{ID: 3, Queue: "b", Due: at},
		{ID: 2, Queue: "b", Due: at},
		{ID: 4, Queue: "b", Due: at.Add(-1)},
		{ID: 5, Queue: "a", Due: at.Add(time.Hour)},
		{ID: 6, Queue: "b", Priority: 2, Due: at.Add(time.Hour)},
	}
	store.SortClaimed(tasks, []string{"a", "b"})
	for i, want := range []int64{6, 5, 4, 2, 3, 1} {
		if tasks[i].ID != want {
			t.Errorf("place %d is task %d, want %d", i, tasks[i].ID, want)
		}
	}
}
