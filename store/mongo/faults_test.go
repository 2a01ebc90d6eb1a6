package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

func TestBadOptionsAreRefused(t *testing.T) {
	db := connect(t, "mongodb://127.0.0.1:1", "tasks")
	for name, test := range map[string]struct {
		db     *driver.Database
		prefix string
		want   []string // parts of the error
	}{
		"no database": {nil, "firefly", []string{"database is nil"}},
		"no prefix":   {db, "", []string{`prefix ""`}},
		"digit first": {db, "1st", []string{`prefix "1st"`}},
		"operator":    {db, "$where", []string{`prefix "$where"`}},
		"dot":         {db, "system.users", []string{`prefix "system.users"`}},
		"line break":  {db, "a\n", []string{`prefix "a\n"`}},
		"too long":    {db, strings.Repeat("x", 49), []string{"prefix"}},
		"all at once": {nil, "Upper", []string{"database is nil", `prefix "Upper"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := mongo.New(test.db, mongo.Prefix(test.prefix))
			if s != nil || !errors.Is(err, store.ErrInvalid) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("store %v, error %v, want an error of one line that is ErrInvalid", s, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not tell of %q", err, want)
				}
			}
		})
	}
}

// What is wrong with a server or a database is said at the first call, in one line, with what to do
// about it, and proves that nothing was changed.
func TestFirstCallExplains(t *testing.T) {
	server := servers.MongoDB(t)
	_, newer := freshOn(t, server)
	if _, err := newer.Collection("firefly_meta").UpdateByID(t.Context(), "schema", bson.M{"$set": bson.M{"version": 99}}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		db       *driver.Database
		is       error
		want     string
		migrates bool
	}{
		"no server": {
			connect(t, "mongodb://nobody:sesame@127.0.0.1:1/?serverSelectionTimeoutMS=200", "tasks"), store.ErrUnavailable, "127.0.0.1:1", false,
		},
		"not migrated":  {connect(t, server.URL(), server.Database(t)), mongo.ErrNotMigrated, "call Migrate", true},
		"newer release": {newer, mongo.ErrTooNew, "upgrade this program", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := mongo.New(test.db, quiet())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, inserted := s.Insert(t.Context(), newTasks(1))
			_, claimed := s.ClaimDue(t.Context(), newClaim(1))
			errs := map[string]error{"insert": inserted, "claim": claimed}
			if migrated := s.Migrate(t.Context()); !test.migrates {
				errs["migrate"] = migrated
			} else if migrated != nil {
				t.Fatal(migrated)
			} else {
				insert(t, s, 1)
			}
			for call, err := range errs {
				switch {
				case !errors.Is(err, test.is), !store.IsDefinite(err), strings.Contains(err.Error(), "\n"):
					t.Errorf("%s: error %v, want a definite one of one line that is %q", call, err, test.is)
				case !strings.Contains(err.Error(), test.want), strings.Contains(err.Error(), "sesame"):
					t.Errorf("%s: error %q, want one with %q and without the password", call, err, test.want)
				}
			}
		})
	}
}

// A server that vanishes between two commands of a call leaves the call in doubt, unless it has changed
// nothing yet: what is said not to have happened has not.
func TestServerVanishesDuringACall(t *testing.T) {
	server := servers.MongoDB(t)
	db := connect(t, server.URL(), server.Database(t))
	for name, call := range map[string]func(s *mongo.Store, held []store.Task) error{
		"insert": func(s *mongo.Store, _ []store.Task) error {
			tasks := newTasks(3)
			tasks[0].UniqueKey, tasks[0].Replace = "key", true
			_, err := s.Insert(t.Context(), tasks)
			return err
		},
		"claim": func(s *mongo.Store, _ []store.Task) error {
			_, err := s.ClaimDue(t.Context(), newClaim(2))
			return err
		},
		"complete": func(s *mongo.Store, held []store.Task) error {
			held[0].Lease = store.NewLeaseID() // so the others are looked at
			err := s.Complete(t.Context(), completions(held...))
			if errors.Is(err, store.ErrLeaseLost) {
				err = nil
			}
			return err
		},
		"cancel": func(s *mongo.Store, _ []store.Task) error {
			_, err := s.Cancel(t.Context(), store.Filter{Statuses: []store.Status{store.Created, store.Running}}, 0)
			return err
		},
		"parent": func(s *mongo.Store, held []store.Task) error {
			_, err := s.CompleteParent(t.Context(), completions(held...)[0], newTasks(2))
			return err
		},
		"transaction": func(s *mongo.Store, held []store.Task) error {
			return s.WithTx(t.Context(), func(ctx context.Context, tx store.Writer) error {
				_, err := tx.Insert(ctx, newTasks(1))
				return errors.Join(err, tx.Complete(ctx, completions(held...)))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			doubts, commands := 0, 0
			for hit := true; hit; {
				commands++
				prefix := mongo.Prefix(fmt.Sprintf("%s_%d", name, commands)) // what a transaction has locked stays so
				direct := openStore(t, db, prefix)
				keyed := newTasks(5)
				keyed[4].UniqueKey = "key"
				if _, err := direct.Insert(t.Context(), keyed); err != nil {
					t.Fatal(err)
				}
				held := claim(t, direct, 3)
				var w wire
				s := openStore(t, w.connect(t, server.URL(), db.Name(), 50*time.Millisecond), prefix)
				insert(t, s, 1) // so it has ids, and the time
				before := everything(t, direct)
				var err error
				hit = w.tearAfter(commands, func() { err = call(s, held) })
				after := everything(t, direct)
				switch {
				case !hit && err != nil:
					t.Fatalf("not gone after %d commands: %v", commands, err)
				case !store.IsDefinite(err):
					doubts++
				case err != nil && !slices.Equal(after, before):
					t.Errorf("gone after %d commands, with the definite error %q: there were %v, there are %v", commands, err, before, after)
				}
			}
			if doubts == 0 && name != "transaction" { // whose commit decides, and is the last
				t.Error("it was never in doubt")
			}
		})
	}
}

// everything returns the states of all tasks.
func everything(t *testing.T, s *mongo.Store) (all []string) {
	t.Helper()
	tasks, err := s.List(t.Context(), store.Filter{}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range tasks {
		all = append(all, fmt.Sprint(tasks[i].ID, tasks[i].Status, tasks[i].Lease, tasks[i].CancelRequested, tasks[i].Due))
	}
	return all
}

// Of many who insert one key at once, one stores its task, and all learn of that one.
func TestUniqueKeysUnderRaces(t *testing.T) {
	one, db := fresh(t)
	stores := []*mongo.Store{one, openStore(t, db)}
	const racers = 32
	var out [racers]store.Inserted
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			tasks := newTasks(2)
			tasks[1].UniqueKey = "key"
			got, err := stores[i%2].Insert(t.Context(), tasks)
			if err != nil {
				t.Error(err)
				return
			}
			out[i] = got[1]
		})
	}
	all.Wait()
	stored, ids := 0, map[int64]bool{}
	for _, in := range out {
		ids[in.ID] = true
		if in.Outcome == store.Stored {
			stored++
		}
	}
	if stored != 1 || len(ids) != 1 {
		t.Errorf("%d tasks of one key were stored, and the racers heard of %d", stored, len(ids))
	}
	expectCounts(t, one, store.QueueCounts{Created: racers + 1})
}
