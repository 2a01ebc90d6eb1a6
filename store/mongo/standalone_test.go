package mongo_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// What a stand-alone server cannot do is refused, with what is needed for it, and changes nothing. That
// it weakens a promise is logged, once.
func TestStandAloneHasNoTransactions(t *testing.T) {
	_, db := freshOn(t, servers.MongoStandAlone(t))
	var log journal
	s, err := mongo.New(db, log.option())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	session, err := db.Client().StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(t.Context())
	if err := session.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	in := driver.NewSessionContext(t.Context(), session)
	if before := log.take(); before != "" {
		t.Errorf("logged before the first call: %s", before)
	}
	for name, call := range map[string]func() error{
		"WithTx": func() error {
			return s.WithTx(t.Context(), func(context.Context, store.Writer) error {
				t.Error("it was called")
				return nil
			})
		},
		"Begin": func() error { _, err := s.Begin(t.Context()); return err },
		"Session": func() error {
			_, err := mongo.Session(store.NewAttempt(t.Context(), s, store.NewLeaseID(), time.Minute).Context())
			return err
		},
		"In, Insert": func() error { _, err := s.In(in).Insert(in, newTasks(1)); return err },
		"In, Fail":   func() error { return s.In(in).Fail(in, []store.Failure{{ID: 1, Lease: store.NewLeaseID()}}) },
	} {
		err := call()
		if !errors.Is(err, errors.ErrUnsupported) || !store.IsDefinite(err) || !strings.Contains(err.Error(), "needs a replica set") {
			t.Errorf("%s: error %v, want that it is unsupported, and what it needs", name, err)
		}
	}
	expectCounts(t, s, store.QueueCounts{})
	if got := log.take(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "no replica set") {
		t.Errorf("logged %s, want one warning that tells of it", got)
	}
}

// A parent's children are there when CompleteParent returns, once, also if it is repeated.
func TestCompleteParent(t *testing.T) {
	s, _ := freshOn(t, servers.MongoStandAlone(t))
	insert(t, s, 1)
	done := completions(claim(t, s, 1)...)[0]
	kids := newTasks(3)
	kids[1].UniqueKey, kids[2].UniqueKey = "key", "key"
	for range 2 {
		out, err := s.CompleteParent(t.Context(), done, kids)
		if err != nil || out[0].ID != kids[0].ID || out[1].ID != out[2].ID {
			t.Fatalf("%+v, error %v", out, err)
		}
		expectCounts(t, s, store.QueueCounts{Created: 2, Completed: 1})
	}
}

// A process that dies after its parent's completion, before or after it has stored the children, leaves
// that to others, who store each once, also if several do so at once.
func TestParentsProcessDies(t *testing.T) {
	server := servers.MongoStandAlone(t)
	for name, test := range map[string]struct{ commands, others int }{
		"before its children, one":    {1, 1},
		"before its children, four":   {1, 4},
		"before it says so, one":      {2, 1},
		"before it says so, and four": {2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t, server)
			var w wire
			dies := openStore(t, w.connect(t, server.URL(), s.db.Name(), 50*time.Millisecond), s.clock)
			insert(t, dies, 2)
			parent := claim(t, dies, 1)[0]
			kids := newTasks(5)
			kids[1].UniqueKey, kids[2].Delay = "key", time.Hour
			var err error
			hit := w.tearAfter(test.commands, func() { _, err = dies.CompleteParent(t.Context(), completions(parent)[0], kids) })
			_ = dies.Close()
			if !hit || err == nil || store.IsDefinite(err) || !strings.Contains(err.Error(), "will be stored later") {
				t.Fatalf("error %v, want that the children will be stored", err)
			}
			created := int64(1)
			if test.commands > 1 {
				created += int64(len(kids))
			}
			expectCounts(t, s.Store, store.QueueCounts{Created: created, Completed: 1})
			remove := func(want int) {
				t.Helper()
				if deleted, err := s.Delete(t.Context(), store.Filter{IDs: []int64{parent.ID}}, 0); len(deleted) != want || err != nil {
					t.Fatalf("of the parent %d were deleted, want %d, error %v", len(deleted), want, err)
				}
			}
			remove(0)                        // with its children in it
			s.offset.Add(int64(time.Minute)) // nobody cares for children that were just left
			var all sync.WaitGroup
			for range test.others {
				other := openStore(t, s.db, s.clock)
				all.Go(func() {
					if err := errors.Join(mongo.Mend(t.Context(), other), mongo.Mend(t.Context(), other)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			expectCounts(t, s.Store, store.QueueCounts{Created: 6, Completed: 1})
			remove(1)
		})
	}
}
