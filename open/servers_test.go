package open_test

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/store/mongo"
	"github.com/fireflytasks/go-firefly/store/postgres"
	"github.com/fireflytasks/go-firefly/store/redis"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// Parameters that put a test's tasks apart.
const apart = "firefly_namespace=opened&firefly_retention=1h"

// and adds parameters to a URL.
func and(u, parameters string) string {
	if strings.Contains(u, "?") {
		return u + "&" + parameters
	}
	return u + "?" + parameters
}

// is reports whether a store is one of the package of S, behind the wrapper.
func is[S store.Store](s store.Store) bool {
	_, ok := store.As[S](s)
	return ok
}

// targets are the schemes for which this machine has servers.
var targets = []struct {
	scheme string
	url    func(t *testing.T) string
	is     func(store.Store) bool
	parent bool // it has store.ParentCompleter
}{
	{"memory", func(*testing.T) string { return "memory://?firefly_retention=1h" }, is[*memory.Store], true},
	{"sqlite", func(t *testing.T) string {
		t.Helper()
		return "sqlite://" + filepath.Join(t.TempDir(), "a%20b%40c.db") + "?" + apart
	}, is[*sqlite.Store], false},
	{"postgres", func(t *testing.T) string {
		t.Helper()
		return and(servers.PostgreSQL(t).Database(t), apart+"&firefly_retention_failed=1h&firefly_notify=true")
	}, is[*postgres.Store], false},
	{"postgresql", func(t *testing.T) string {
		t.Helper()
		p := servers.PostgreSQL(t)
		_, rest, _ := strings.Cut(p.PgBouncer(t, p.Database(t)), "://")
		return "postgresql://" + and(rest, apart+"&firefly_pooler=true&firefly_notify=false")
	}, is[*postgres.Store], false},
	{"redis", func(t *testing.T) string {
		t.Helper()
		return and(servers.RedisServer(t).URL(), apart+"&firefly_retention_failed=1h")
	}, is[*redis.Store], false},
	{"redis+cluster", func(t *testing.T) string {
		t.Helper()
		return "redis+cluster://" + strings.Join(servers.RedisCluster(t).Addrs(), ",") + "?" + apart
	}, is[*redis.Store], false},
	{"redis+sentinel", func(t *testing.T) string {
		t.Helper()
		sentinel := servers.NewRedis(t).Sentinel(t)
		return "redis+sentinel://" + sentinel + "," + sentinel + "/0?master_name=" + servers.SentinelName + "&" + apart
	}, is[*redis.Store], false},
	{"mongodb", func(t *testing.T) string {
		t.Helper()
		m := servers.MongoDB(t)
		return and(mongoURL(t, m.URL(), m.Database(t)), apart+"&firefly_retention_failed=1h")
	}, is[*mongo.Store], true},
}

func TestEachScheme(t *testing.T) {
	for _, test := range targets {
		t.Run(test.scheme, func(t *testing.T) {
			u := test.url(t)
			before := goleak.IgnoreCurrent()
			s, err := open.Store(t.Context(), u, open.Logger(slog.New(slog.NewTextHandler(t.Output(), nil))))
			if err != nil {
				t.Fatal(err)
			}
			full, ok := store.As[store.Full](s)
			if !ok {
				t.Fatal("it is no store.Full")
			}
			if !test.is(s) {
				t.Errorf("behind the URL is %T", store.Base(s))
			}
			if store.Base(s) != store.Base(full) || store.Base(s) == s {
				t.Error("its base is not the driver's store")
			}
			if test.parent != is[parentCompleter](s) {
				t.Errorf("it completes parents: %t", !test.parent)
			}
			lifeOfATask(t, full)
			if closer, _ := store.As[io.Closer](s); any(closer) != any(s) {
				t.Error("store.Close would not close its connections")
			}
			for range 2 {
				if err := store.Close(s); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			if err := full.Migrate(t.Context()); err == nil {
				t.Error("Migrate after Close: no error")
			}
			goleak.VerifyNone(t, before)
		})
	}
}

type parentCompleter interface {
	store.Store
	store.ParentCompleter
}

// mongoURL puts a database into a server's URL. The user stays the one of the database admin.
func mongoURL(t *testing.T, server, database string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return and(u.String(), "authSource=admin")
}

// lifeOfATask inserts a task, claims and completes it.
func lifeOfATask(t *testing.T, s store.Full) {
	t.Helper()
	ctx := t.Context()
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	tasks := []store.NewTask{{Name: "n", Queue: "q", Encoding: "json", Params: []byte("1")}}
	if _, err := s.Insert(ctx, tasks); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.ClaimDue(ctx, store.Claim{
		Queues: []string{"q"}, Names: []string{"n"}, Limit: 1, Lease: store.NewLeaseID(), For: time.Minute, Worker: "w",
	})
	if err != nil || len(claimed) != 1 || claimed[0].ID != tasks[0].ID {
		t.Fatalf("claimed %+v, error %v", claimed, err)
	}
	// In a transaction, which is of the connections that were opened for the store alone.
	tx, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Complete(ctx, []store.Completion{{ID: claimed[0].ID, Lease: claimed[0].Lease, Returned: []byte("2")}}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	done, err := s.Get(ctx, []int64{tasks[0].ID})
	if err != nil || len(done) != 1 || done[0].Status != store.Completed {
		t.Errorf("got %+v, error %v", done, err)
	}
}

// Firefly's parameters reach the store, and tasks of two namespaces are apart.
func TestNamespaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	var stores []store.Lister
	for _, namespace := range []string{"a", "b"} {
		s, err := open.Store(t.Context(), "sqlite:"+path+"?firefly_namespace="+namespace)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close(s) })
		lister, _ := store.As[store.Lister](s)
		stores = append(stores, lister)
		if len(stores) == 1 {
			if _, err := s.Insert(t.Context(), []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, lister := range stores {
		tasks, err := lister.List(t.Context(), store.Filter{}, store.Page{})
		if err != nil || len(tasks) != 1-i {
			t.Errorf("store %d lists %d tasks, error %v", i, len(tasks), err)
		}
	}
}

// The offset reaches the clocks, also that of the store in memory, which has another option for it.
func TestClockOffset(t *testing.T) {
	const ahead = 1000 * time.Hour
	for _, u := range []string{"memory://", "sqlite:" + filepath.Join(t.TempDir(), "tasks.db")} {
		s, err := open.Store(t.Context(), u, open.ClockOffset(func() time.Duration { return ahead }))
		if err != nil {
			t.Fatal(err)
		}
		tasks := []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}}
		if _, err := s.Insert(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
		getter, _ := store.As[store.Getter](s)
		found, err := getter.Get(t.Context(), []int64{tasks[0].ID})
		if err != nil || len(found) != 1 || time.Until(found[0].Created) < ahead-time.Hour {
			t.Errorf("%s: %+v, error %v", u, found, err)
		}
		if err := store.Close(s); err != nil {
			t.Error(err)
		}
	}
}

// A handler's transaction is that of the store behind the URL.
func TestHandlersTransaction(t *testing.T) {
	s, err := open.Store(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "tasks.db"))
	if err != nil {
		t.Fatal(err)
	}
	count := firefly.Define("count", func(ctx context.Context, _ firefly.None) (n int, err error) {
		tx, err := sqlite.Tx(ctx)
		if err != nil {
			return 0, err
		}
		return n, tx.QueryRowContext(ctx, "SELECT count(*) FROM firefly_task").Scan(&n)
	})
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{}, count)
	if err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(working) }()
	h, err := count.Schedule(t.Context(), client, firefly.None{})
	if err != nil {
		t.Error(err)
	} else if n, err := h.Wait(t.Context()); err != nil || n != 1 {
		t.Errorf("%d tasks, error %v", n, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := store.Close(s); err != nil {
		t.Error(err)
	}
}

// A server that refuses the password.
func TestWrongPassword(t *testing.T) {
	u := "redis://nobody:" + password + "@" + servers.RedisServer(t).Addr()
	s, err := open.Store(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	migrator, _ := store.As[store.Migrator](s)
	err = migrator.Migrate(t.Context())
	hidden(t, u, err)
	if err == nil || !strings.Contains(err.Error(), "refuses the name or the password") {
		t.Errorf("error %v", err)
	}
	if err := store.Close(s); err != nil {
		t.Error(err)
	}
}
