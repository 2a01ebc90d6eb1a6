package mongo_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// Params that no document can hold, and a result that does not fit beside them, are refused by
// themselves; the task can still be failed.
func TestTooLarge(t *testing.T) {
	s, _ := fresh(t)
	expect := func(err error, id int64) {
		t.Helper()
		var refused *store.BatchError
		if !errors.As(err, &refused) || len(refused.Refused) != 1 || refused.Refused[0].ID != id || !errors.Is(err, store.ErrTooLarge) {
			t.Fatalf("error %v, want that task %d alone is refused as too large", err, id)
		}
	}
	tasks := newTasks(5)
	tasks[1].Params, tasks[4].Params = make([]byte, 9<<20), make([]byte, store.MaxPayload)
	_, err := s.Insert(t.Context(), tasks)
	expect(err, 0)
	done := completions(claim(t, s, 4)...)
	done[1].Returned = make([]byte, 8<<20)
	done[2].Returned = []byte("small")
	for range 2 { // also when it is repeated
		expect(s.Complete(t.Context(), done), done[1].ID)
		expectCounts(t, s, store.QueueCounts{Running: 1, Completed: 3})
	}
	if got := task(t, s, done[2].ID); string(got.Returned) != "small" {
		t.Errorf("another one returned %q", got.Returned)
	}
	failed := []store.Failure{{ID: done[1].ID, Lease: done[1].Lease, Err: &store.AttemptError{Attempt: 1, Text: "too large"}}}
	if err := s.Fail(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	expectCounts(t, s, store.QueueCounts{Failed: 1, Completed: 3})
	if got := task(t, s, done[1].ID); len(got.Params) != 9<<20 || len(got.Errors) != 1 {
		t.Errorf("the task has %d bytes of params and the errors %v", len(got.Params), got.Errors)
	}
}

// A task whose document somebody has damaged is named; others are not affected.
func TestDamagedDocuments(t *testing.T) {
	s, _ := fresh(t)
	for name, damage := range map[string]bson.M{
		"no such status":        {"status": "$gone"},
		"running by no lease":   {"status": store.Running},
		"a lease that is short": {"status": store.Running, "lease": []byte("x")},
		"waiting by a lease":    {"lease": make([]byte, 16)},
		"meta is no JSON":       {"meta": "{"},
		"another type":          {"due": "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			ids := insert(t, s, 2)
			if _, err := mongo.Tasks(s).UpdateByID(t.Context(), ids[0], bson.M{"$set": damage}); err != nil {
				t.Fatal(err)
			}
			_, err := s.Get(t.Context(), ids)
			if want := fmt.Sprintf("task %d", ids[0]); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line that names %s", err, want)
			}
			if got := task(t, s, ids[1]); got.Status != store.Created {
				t.Errorf("the other task is %+v", got)
			}
		})
	}
}

// A claim leaves out a task that cannot be read, and returns the others.
func TestDamagedTaskHoldsUpNobody(t *testing.T) {
	for name, damage := range map[string]bson.M{
		"meta is no JSON": {"meta": "{"},
		"another type":    {"created": "today"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := fresh(t)
			ids := insert(t, s, 3)
			if _, err := mongo.Tasks(s).UpdateByID(t.Context(), ids[0], bson.M{"$set": damage}); err != nil {
				t.Fatal(err)
			}
			tasks, err := s.ClaimDue(t.Context(), newClaim(3))
			if err != nil || len(tasks) != 2 || tasks[0].ID != ids[1] || tasks[1].ID != ids[2] {
				t.Errorf("claimed %+v, error %v, want tasks %v", tasks, err, ids[1:])
			}
		})
	}
}

// Where a document is gone that Migrate makes, no call makes it anew, and says so: ids would be given
// twice, and not every server keeps apart two that make one document at once.
func TestMissingDocuments(t *testing.T) {
	_, db := fresh(t)
	gone := bson.M{"_id": bson.M{"$in": []string{"id", "paused"}}}
	if _, err := db.Collection("firefly_meta").DeleteMany(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	s, err := mongo.New(db, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Pause(t.Context(), []string{"q"}); !errors.Is(err, mongo.ErrNotMigrated) {
		t.Errorf("pause: %v, want ErrNotMigrated", err)
	}
	if _, err := s.Insert(t.Context(), newTasks(1)); err == nil || !store.IsDefinite(err) || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("insert: %v, want a definite error that says what to do", err)
	}
}

// Whatever a string looks like to the server, it comes back exactly, and means nothing.
func TestHostileStrings(t *testing.T) {
	s, _ := fresh(t)
	insert(t, s, 1) // that no filter must find
	hostile := []string{`$where`, `a.b`, `$set`, `"'; db.dropDatabase()`, `{"$gt": ""}`, "line\nbreak", `[`, `(.*)+$`, `\`, `$$NOW`, "ünï😀"}
	meta := map[string]string{}
	for _, text := range hostile {
		meta[text] = text
	}
	for _, text := range hostile {
		t.Run(text, func(t *testing.T) {
			n := store.NewTask{Name: "a.b", Queue: "a.b", Encoding: "a.b", Params: []byte("\x00\xff" + text), Meta: meta, UniqueKey: text}
			if store.CheckName(text) == nil {
				n.Name, n.Queue, n.Encoding = text, text, text
			}
			out, err := s.Insert(t.Context(), []store.NewTask{n.Clone(), n.Clone()})
			if err != nil || out[0].Outcome == out[1].Outcome || out[0].ID != out[1].ID {
				t.Fatalf("two of one key: %+v, error %v", out, err)
			}
			c := newClaim(10)
			c.Queues, c.Names, c.Worker = []string{n.Queue}, []string{n.Name}, text
			claimed, err := s.ClaimDue(t.Context(), c)
			if err != nil || len(claimed) != 1 {
				t.Fatalf("claimed %d tasks, error %v", len(claimed), err)
			}
			failed := store.Failure{ID: claimed[0].ID, Lease: c.Lease, Err: &store.AttemptError{Attempt: 1, Text: text + "\x00 at last"}}
			if err := s.Fail(t.Context(), []store.Failure{failed}); err != nil {
				t.Fatal(err)
			}
			f := store.Filter{Queues: c.Queues, Names: c.Names, ErrorText: text, Statuses: []store.Status{store.Failed}}
			found, err := s.List(t.Context(), f, store.Page{})
			if err != nil || len(found) != 1 {
				t.Fatalf("found %d tasks by all that is known, error %v", len(found), err)
			}
			got := found[0]
			if got.Name != n.Name || got.Queue != n.Queue || got.Encoding != n.Encoding || got.UniqueKey != n.UniqueKey ||
				!bytes.Equal(got.Params, n.Params) || !maps.Equal(got.Meta, n.Meta) || got.Errors[0].Text != store.CleanText(failed.Err.Text) {
				t.Errorf("stored %+v, read %+v", n, got)
			}
			if deleted, err := s.Delete(t.Context(), f, 0); err != nil || len(deleted) != 1 {
				t.Errorf("deleted %d tasks, error %v", len(deleted), err)
			}
			expectCounts(t, s, store.QueueCounts{Created: 1})
		})
	}
}
