package redis_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// expectUnavailable fails unless an error says, in one line, that nothing was changed, and what to do.
func expectUnavailable(tb testing.TB, err error, remedy string) {
	tb.Helper()
	switch {
	case err == nil:
		tb.Error("no error")
	case !errors.Is(err, store.ErrUnavailable), !store.IsDefinite(err), !strings.Contains(err.Error(), remedy), strings.Contains(err.Error(), "\n"):
		tb.Errorf("error %q, want one line that is ErrUnavailable and tells %q", err, remedy)
	}
}

// limit lets a server use so many bytes; "0" is no limit.
func limit(tb testing.TB, client *goredis.Client, bytes string) {
	tb.Helper()
	if err := client.ConfigSet(tb.Context(), "maxmemory", bytes).Err(); err != nil {
		tb.Fatal(err)
	}
}

// Some other program's keys in the namespace are told from a fault of the server.
func TestKeysOfTheWrongKind(t *testing.T) {
	for key, call := range map[string]func(ctx context.Context, s *redis.Store) error{
		"run": func(ctx context.Context, s *redis.Store) error { _, err := s.Insert(ctx, newTasks(1)); return err },
		"n":   func(ctx context.Context, s *redis.Store) error { _, err := s.Counts(ctx); return err },
		"p":   func(ctx context.Context, s *redis.Store) error { return s.Pause(ctx, []string{"q"}) },
		"leases": func(ctx context.Context, s *redis.Store) error {
			_, err := s.ClaimDue(ctx, newClaim())
			return err
		},
		"d:0:q": func(ctx context.Context, s *redis.Store) error {
			_, err := s.ClaimDue(ctx, newClaim())
			return err
		},
		"t:0000000000": func(ctx context.Context, s *redis.Store) error {
			_, err := s.Get(ctx, []int64{1})
			return err
		},
	} {
		t.Run(key, func(t *testing.T) {
			s, client := fresh(t)
			if err := client.GeoAdd(t.Context(), "{"+namespace(t)+"}:"+key, &goredis.GeoLocation{Name: "x"}).Err(); err != nil {
				t.Fatal(err)
			}
			if key == "leases" || key == "d:0:q" { // these are of that very kind
				if err := client.Set(t.Context(), "{"+namespace(t)+"}:"+key, "x", 0).Err(); err != nil {
					t.Fatal(err)
				}
			}
			err := call(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), "use another Namespace") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A full server refuses what needs room, and changes nothing then; what runs can be finished.
func TestServerIsFull(t *testing.T) {
	server := servers.NewRedis(t)
	client := connect(t, server.URL())
	s := openStore(t, client)
	insert(t, s, 4)
	tasks := claim(t, s, 2)
	limit(t, client, "1")
	_, err := s.Insert(t.Context(), newTasks(1))
	expectUnavailable(t, err, "raise maxmemory")
	_, err = s.Insert(t.Context(), newTasks(1001)) // needs new ids
	expectUnavailable(t, err, "raise maxmemory")
	err = s.WithTx(t.Context(), func(ctx context.Context, tx store.Writer) error {
		_, err := tx.Insert(ctx, newTasks(1))
		return err
	})
	expectUnavailable(t, err, "raise maxmemory")
	expectUnavailable(t, s.Pause(t.Context(), []string{"q"}), "raise maxmemory")
	if err := s.Complete(t.Context(), completions(tasks[0])); err != nil {
		t.Errorf("what runs cannot be completed: %v", err)
	}
	expectCounts(t, s, store.QueueCounts{Created: 2, Running: 1, Completed: 1})
	limit(t, client, "0")
	insert(t, s, 1)
	if err := s.Complete(t.Context(), completions(tasks[1])); err != nil {
		t.Error(err)
	}
	expectCounts(t, s, store.QueueCounts{Created: 3, Completed: 2})
}

// A batch takes several scripts. If one is refused and a later one is not, the batch is in doubt: its
// error must not prove that nothing was changed.
func TestPartOfABatchIsRefused(t *testing.T) {
	server := servers.NewRedis(t)
	client := connect(t, server.URL())
	s := openStore(t, client)
	held := newTask()
	held.UniqueKey = "key"
	if _, err := s.Insert(t.Context(), []store.NewTask{held}); err != nil {
		t.Fatal(err)
	}
	tasks := newTasks(201) // the last of them is in the second script
	tasks[200].UniqueKey, tasks[200].Replace = "key", true
	tasks[200].Params = []byte(`2`)
	limit(t, client, "1") // which a script that begins by removing something does not mind
	_, err := s.Insert(t.Context(), tasks)
	rows, listed := s.List(t.Context(), store.Filter{}, store.Page{Limit: 1000})
	if listed != nil || len(rows) != 1 {
		t.Fatalf("%d tasks, error %v, want the first only", len(rows), listed)
	}
	if replaced := string(rows[0].Params) == "2"; err == nil || store.IsDefinite(err) == replaced {
		t.Errorf("a part was applied: %t, and the error is %v, definite: %t", replaced, err, store.IsDefinite(err))
	}
	limit(t, client, "0")
	if _, err := s.Insert(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	expectCounts(t, s, store.QueueCounts{Created: 201})
}

// A replica refuses what writes.
func TestReplicaRefuses(t *testing.T) {
	server := servers.NewRedis(t)
	primary := openStore(t, connect(t, server.URL()))
	insert(t, primary, 2)
	tasks := claim(t, primary, 1)
	s := openStore(t, connect(t, server.Replica(t).URL()))
	_, err := s.Insert(t.Context(), newTasks(1))
	expectUnavailable(t, err, "connect to the primary")
	_, err = s.ClaimDue(t.Context(), newClaim())
	expectUnavailable(t, err, "connect to the primary")
	expectUnavailable(t, s.Complete(t.Context(), completions(tasks...)), "connect to the primary")
	expectUnavailable(t, s.Pause(t.Context(), []string{"q"}), "connect to the primary")
	expectCounts(t, primary, store.QueueCounts{Created: 1, Running: 1})
}

// While some other client's script holds the server, calls are refused; then all is as before.
func TestServerIsBusy(t *testing.T) {
	server := servers.NewRedis(t, "busy-reply-threshold 50")
	client, other := connect(t, server.URL()), connect(t, server.URL())
	s := openStore(t, client)
	insert(t, s, 2)
	tasks := claim(t, s, 1)
	held := make(chan error)
	go func() { held <- other.Eval(t.Context(), "while true do end", nil).Err() }()
	eventually(t, "the server is busy", func(ctx context.Context) error {
		if err := client.Ping(ctx).Err(); !goredis.HasErrorPrefix(err, "BUSY") {
			return errors.Join(err, errors.New("it answers"))
		}
		return nil
	})
	batch := newTasks(500)
	_, err := s.Insert(t.Context(), batch)
	expectUnavailable(t, err, "SCRIPT KILL")
	expectUnavailable(t, s.Complete(t.Context(), completions(tasks...)), "SCRIPT KILL")
	_, err = s.Counts(t.Context())
	expectUnavailable(t, err, "SCRIPT KILL")
	expectUnavailable(t, openStore(t, client).Migrate(t.Context()), "SCRIPT KILL")
	if err := client.ScriptKill(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-held; err == nil {
		t.Error("the other script ended by itself")
	}
	if _, err := s.Insert(t.Context(), batch); err != nil {
		t.Error(err)
	}
	if err := s.Complete(t.Context(), completions(tasks...)); err != nil {
		t.Error(err)
	}
	expectCounts(t, s, store.QueueCounts{Created: 501, Completed: 1})
}

// While the server loads its data, calls are refused.
func TestServerIsLoading(t *testing.T) {
	server := servers.NewRedis(t, "enable-debug-command yes", "loading-process-events-interval-bytes 1024")
	client, other := connect(t, server.URL()), connect(t, server.URL())
	s := openStore(t, client)
	insert(t, s, 1)
	var keys []any // that are loaded one after the other, slowly
	for key := range 500 {
		keys = append(keys, strconv.Itoa(key), strings.Repeat("x", 100))
	}
	if err := client.MSet(t.Context(), keys...).Err(); err != nil {
		t.Fatal(err)
	}
	slowly := func(micros string) {
		t.Helper()
		if err := client.ConfigSet(t.Context(), "key-load-delay", micros).Err(); err != nil {
			t.Fatal(err)
		}
	}
	slowly("10000")
	loaded := make(chan error)
	go func() { loaded <- other.Do(t.Context(), "DEBUG", "RELOAD").Err() }()
	eventually(t, "the server loads its data", func(ctx context.Context) error {
		if err := client.Ping(ctx).Err(); !goredis.HasErrorPrefix(err, "LOADING") {
			return errors.Join(err, errors.New("it answers"))
		}
		return nil
	})
	_, err := s.Insert(t.Context(), newTasks(1))
	expectUnavailable(t, err, "loading its data")
	_, err = s.Counts(t.Context())
	expectUnavailable(t, err, "loading its data")
	slowly("0")
	if err := <-loaded; err != nil {
		t.Logf("the reload took too long for its client: %v", err)
	}
	eventually(t, "an insertion on a server that has loaded", func(ctx context.Context) error {
		_, err := s.Insert(ctx, newTasks(1))
		return err
	})
	expectCounts(t, s, store.QueueCounts{Created: 2})
}

// A server that forgets its scripts is told them again, and nobody notices.
func TestScriptsAreForgotten(t *testing.T) {
	server := servers.NewRedis(t)
	client := connect(t, server.URL())
	s := openStore(t, client)
	forget := func() {
		t.Helper()
		if err := client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		forget()
		insert(t, s, 1000) // several scripts in one go
		forget()
		tasks := claim(t, s, 600)
		forget()
		if err := s.Complete(t.Context(), completions(tasks[:400]...)); err != nil {
			t.Fatal(err)
		}
		forget()
		if err := s.Fail(t.Context(), failures(tasks[400:]...)); err != nil {
			t.Fatal(err)
		}
		forget()
		if _, err := s.Extend(t.Context(), 0, []store.LeaseID{tasks[0].Lease}); err != nil {
			t.Fatal(err)
		}
	}
	expectCounts(t, s, store.QueueCounts{Created: 800, Completed: 800, Failed: 400})
}

// A server that lost its last moments gives nobody the ids that it gave then: their owners are still
// using them.
func TestServerForgetsItsIDs(t *testing.T) {
	server := servers.NewRedis(t, "appendonly no")
	client := connect(t, server.URL())
	one, other, third := openStore(t, client), openStore(t, client), openStore(t, client)
	insert(t, one, 1)
	if err := client.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	insert(t, other, 1) // with ids that it fetches now, some for later
	server.Kill(t)
	server.Restart(t)
	for _, s := range []*redis.Store{third, other, one} {
		tasks := newTasks(3)
		eventually(t, "an insertion on a server that is back", func(ctx context.Context) error {
			_, err := s.Insert(ctx, tasks)
			return err
		})
	}
	expectCounts(t, one, store.QueueCounts{Created: 1 + 9})
}
