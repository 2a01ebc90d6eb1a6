package open_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

var quiet = open.Logger(slog.New(slog.DiscardHandler))

// scratches returns what a server has of scratch stores.
func scratches(t *testing.T, u string) (left []string) {
	t.Helper()
	ctx := t.Context()
	scheme, rest, _ := strings.Cut(u, "://")
	rest, _, _ = strings.Cut(rest, "?")
	hosts := strings.Split(strings.TrimSuffix(rest, "/0"), ",")
	var mu sync.Mutex
	keys := func(client goredis.UniversalClient) error {
		defer client.Close()
		look := func(ctx context.Context, node *goredis.Client) error {
			found, err := node.Keys(ctx, "*firefly_scratch*").Result()
			mu.Lock()
			defer mu.Unlock()
			left = append(left, found...)
			return err
		}
		if c, is := client.(*goredis.ClusterClient); is {
			return c.ForEachMaster(ctx, look)
		}
		return look(ctx, client.(*goredis.Client)) //nolint:forcetypeassert // there is no other
	}
	var err error
	switch scheme {
	case "memory":
	case "sqlite":
		path, _ := url.PathUnescape(rest)
		left, err = filepath.Glob(filepath.Join(filepath.Dir(path), "*firefly_scratch*"))
	case "postgres", "postgresql":
		var conn *pgx.Conn
		parsed, _ := url.Parse(u)
		query := parsed.Query()
		for name := range query {
			if strings.HasPrefix(name, "firefly_") {
				query.Del(name)
			}
		}
		parsed.RawQuery = query.Encode()
		if conn, err = pgx.Connect(ctx, parsed.String()); err == nil {
			defer conn.Close(ctx)
			const text = "SELECT coalesce(array_agg(nspname::text), '{}') FROM pg_namespace WHERE nspname ~ 'firefly_scratch'"
			err = conn.QueryRow(ctx, text, pgx.QueryExecModeExec).Scan(&left)
		}
	case "redis":
		err = keys(goredis.NewClient(&goredis.Options{Addr: hosts[0]}))
	case "redis+cluster":
		err = keys(goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: hosts}))
	case "redis+sentinel":
		err = keys(goredis.NewFailoverClient(&goredis.FailoverOptions{SentinelAddrs: hosts, MasterName: servers.SentinelName}))
	case "mongodb":
		var client *driver.Client
		parsed, _ := url.Parse(u)
		database := strings.TrimPrefix(parsed.Path, "/")
		parsed.RawQuery = "authSource=admin&directConnection=true"
		if client, err = driver.Connect(options.Client().ApplyURI(parsed.String())); err == nil {
			defer func() { _ = client.Disconnect(ctx) }()
			left, err = client.Database(database).ListCollectionNames(ctx, bson.M{})
			left = slices.DeleteFunc(left, func(name string) bool { return !strings.Contains(name, "firefly_scratch") })
		}
	default:
		t.Fatalf("no way to look at %s", scheme)
	}
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// A scratch store works, nobody else sees it, and nothing is left of it.
func TestScratch(t *testing.T) {
	for _, test := range targets {
		t.Run(test.scheme, func(t *testing.T) {
			u := strings.Replace(test.url(t), "firefly_namespace=opened", "firefly_namespace=neighbour", 1)
			before := goleak.IgnoreCurrent()
			tasks := neighbours(t, u)
			s, remove, err := open.Scratch(t.Context(), u, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if !test.is(s) {
				t.Errorf("it is %T", store.Base(s))
			}
			full, _ := store.As[store.Full](s)
			other, removeOther, err := open.Scratch(t.Context(), u, quiet)
			if err != nil {
				t.Fatal(err)
			}
			lifeOfATask(t, full)
			if made := scratches(t, u); len(made) == 0 && test.scheme != "memory" {
				t.Error("there is nothing that was made for it")
			}
			if got := all(t, other); len(got) != 0 {
				t.Errorf("another one has %d tasks", len(got))
			}
			if err := store.Close(other); err != nil {
				t.Error(err)
			}
			for _, remove := range []func(context.Context) error{remove, remove, removeOther} {
				if err := remove(t.Context()); err != nil {
					t.Errorf("remove: %v", err)
				}
			}
			if left := scratches(t, u); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
			if err := full.Migrate(t.Context()); !errors.Is(err, store.ErrClosed) {
				t.Errorf("a call afterwards: error %v", err)
			}
			if now := look(t, u); test.scheme != "memory" && !reflect.DeepEqual(now, tasks) {
				t.Errorf("the neighbours were %+v, are %+v", tasks, now)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

// neighbours gives the store at a URL two tasks, and returns them.
func neighbours(t *testing.T, u string) []store.Task {
	t.Helper()
	s, err := open.Store(t.Context(), u, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(s)
	migrator, _ := store.As[store.Migrator](s)
	if err := migrator.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	task := store.NewTask{Name: "n", Queue: "q", Encoding: "json"}
	if _, err := s.Insert(t.Context(), []store.NewTask{task, task}); err != nil {
		t.Fatal(err)
	}
	return all(t, s)
}

func look(t *testing.T, u string) []store.Task {
	t.Helper()
	s, err := open.Store(t.Context(), u, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(s)
	return all(t, s)
}

func all(t *testing.T, s store.Store) []store.Task {
	t.Helper()
	lister, _ := store.As[store.Lister](s)
	tasks, err := lister.List(t.Context(), store.Filter{}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// What a URL has wrong, and servers that do not answer, are told without a password.
func TestScratchFails(t *testing.T) {
	fails := func(t *testing.T, ctx context.Context, u string, is error) {
		t.Helper()
		s, remove, err := open.Scratch(ctx, u, quiet)
		hidden(t, u, err)
		if s != nil || remove != nil || !errors.Is(err, is) || strings.Contains(err.Error(), "is left") {
			t.Errorf("error %v, want %v", err, is)
		}
	}
	for name, u := range unanswered(t) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			fails(t, ctx, u, store.ErrUnavailable)
		})
	}
	t.Run("wrong URLs", func(t *testing.T) {
		for _, u := range []string{
			"", "nothing", "postgres://user:" + password, "mysql://user:" + password + "@h/db", "redis://user:" + password + "@h:port",
			"sqlite:tasks.db?firefly_namespace=Bad%20Name", "postgres://user:" + password + "@h/db?firefly_replicas=2", "memory://x",
		} {
			fails(t, t.Context(), u, store.ErrInvalid)
		}
	})
	t.Run("ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		dir := t.TempDir()
		fails(t, ctx, "sqlite:"+filepath.Join(dir, "tasks.db"), context.Canceled)
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%v, error %v", entries, err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		fails(t, t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "none", "tasks.db"), os.ErrNotExist)
	})
}

// The file that a URL of SQLite names is not made.
func TestScratchLeavesTheNamedFileAlone(t *testing.T) {
	dir := t.TempDir()
	_, remove, err := open.Scratch(t.Context(), "sqlite:"+filepath.Join(dir, "tasks.db"))
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) == 0 {
		t.Error("the scratch store is not beside it")
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "firefly_scratch_") {
			t.Errorf("there is %s", e.Name())
		}
	}
	if err := remove(t.Context()); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left: %v", entries)
	}
}

// A role that may not make schemas is told so, and nothing is left.
func TestScratchWithoutRights(t *testing.T) {
	u := servers.PostgreSQL(t).Database(t)
	admin, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, _ = admin.Exec(ctx, "DROP ROLE firefly_poor")
		_ = admin.Close(ctx)
	})
	if _, err := admin.Exec(t.Context(), "DROP ROLE IF EXISTS firefly_poor; CREATE ROLE firefly_poor LOGIN"); err != nil {
		t.Fatal(err)
	}
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.UserPassword("firefly_poor", password)
	_, _, err = open.Scratch(t.Context(), parsed.String(), quiet)
	hidden(t, parsed.String(), err)
	if err == nil || strings.Count(err.Error(), "lacks a right") != 1 || strings.Contains(err.Error(), "is left") {
		t.Errorf("error %v", err)
	}
	if left := scratches(t, and(u, apart)); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// What cannot be removed is named. When the server is back, it can.
func TestRemoveSaysWhatIsLeft(t *testing.T) {
	server := servers.NewRedis(t, "appendonly yes", "appendfsync always")
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	defer client.Close()
	if err := client.Do(t.Context(), "ACL", "SETUSER", "guest", "on", ">"+password, "~*", "&*", "+@all", "-unlink").Err(); err != nil {
		t.Fatal(err)
	}
	s, remove, err := open.Scratch(t.Context(), "redis://guest:"+password+"@"+server.Addr(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Insert(t.Context(), []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}}); err != nil {
		t.Fatal(err)
	}
	left := scratches(t, server.URL())
	err = remove(t.Context())
	hidden(t, "redis", err)
	if err == nil || len(left) == 0 || !strings.Contains(err.Error(), left[0][1:strings.IndexByte(left[0], '}')]+" is left") {
		t.Errorf("error %v, left %q", err, left)
	}
	if err := client.Do(t.Context(), "ACL", "SETUSER", "guest", "+unlink").Err(); err != nil {
		t.Fatal(err)
	}
	if err := remove(t.Context()); err != nil {
		t.Error(err)
	}
	if left := scratches(t, server.URL()); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
