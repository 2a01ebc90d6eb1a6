package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// with returns a URL that differs in its user, its database and its parameters.
func with(t *testing.T, address string, change func(u *url.URL)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

func TestBadOptionsAreRefused(t *testing.T) {
	pool := openPool(t, "postgres://nobody@127.0.0.1:1/none")
	for _, name := range []string{"", "Upper", "x; drop", "1st", strings.Repeat("x", 49), `"q"`} {
		s, err := postgres.New(pool, postgres.Schema(name))
		if s != nil || !errors.Is(err, store.ErrInvalid) || strings.Contains(err.Error(), "\n") {
			t.Errorf("schema %q: %v", name, err)
		}
		if _, err := postgres.Script(name, 0); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("script of schema %q: %v", name, err)
		}
	}
}

// What is wrong with a server is said in one line, with what to do about it and without a password,
// and proves that nothing was changed.
func TestBadServersAreExplained(t *testing.T) {
	const password = "sesame"
	address := servers.PostgreSQL(t).Database(t)
	admin := openPool(t, address)
	execute(t, admin, "DROP ROLE IF EXISTS firefly_stranger")
	execute(t, admin, "CREATE ROLE firefly_stranger LOGIN PASSWORD '"+password+"'")
	t.Cleanup(func() {
		_, _ = admin.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY firefly_stranger; DROP ROLE firefly_stranger")
	})
	ready := openStore(t, admin, postgres.Schema("ready"))
	newer := openStore(t, admin, postgres.Schema("newer"))
	for _, s := range []*postgres.Store{ready, newer} {
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, admin, "INSERT INTO newer.migration (version, oldest) VALUES (99, 98)")
	stranger := with(t, address, func(u *url.URL) { u.User = url.UserPassword("firefly_stranger", password) })
	for name, test := range map[string]struct {
		url    string
		schema string
		want   string
		is     error
	}{
		"refused":        {url: "postgres://nobody:" + password + "@127.0.0.1:1/none", want: "cannot be reached", is: store.ErrUnavailable},
		"no such host":   {url: "postgres://nobody:" + password + "@firefly.invalid/none", want: "cannot be reached", is: store.ErrUnavailable},
		"no such role":   {url: with(t, address, func(u *url.URL) { u.User = url.UserPassword("none", password) }), want: "refuses the role"},
		"no database":    {url: with(t, address, func(u *url.URL) { u.Path = "/none" }), want: "create it first"},
		"no tables":      {url: address, schema: "missing", want: "call Migrate", is: postgres.ErrSchemaMissing},
		"newer tables":   {url: address, schema: "newer", want: "update this program", is: postgres.ErrSchemaNewer},
		"no right to it": {url: stranger, schema: "ready", want: "lacks a right"},
		"read-only": {url: with(t, address, func(u *url.URL) { u.RawQuery += "&default_transaction_read_only=on" }), schema: "ready",
			want: "read-only", is: store.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			schema := test.schema
			if schema == "" {
				schema = "firefly"
			}
			s := openStore(t, openPool(t, test.url), postgres.Schema(schema))
			_, err := s.Insert(t.Context(), []store.NewTask{newTask()})
			switch {
			case err == nil:
				t.Fatal("no error")
			case !strings.Contains(err.Error(), test.want), strings.Contains(err.Error(), "\n"), strings.Contains(err.Error(), password):
				t.Errorf("error %q, want one line with %q and without the password", err, test.want)
			case !store.IsDefinite(err):
				t.Errorf("error %q is not definite", err)
			case test.is != nil && !errors.Is(err, test.is):
				t.Errorf("error %q is not %q", err, test.is)
			}
		})
	}
	t.Run("no right to migrate", func(t *testing.T) {
		err := openStore(t, openPool(t, stranger), postgres.Schema("theirs")).Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "lacks a right") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v", err)
		}
	})
}

// A role that has all rights but does not own the tables can work, and is told what it cannot do.
func TestRoleThatDoesNotOwnTheTables(t *testing.T) {
	address := servers.PostgreSQL(t).Database(t)
	admin := openPool(t, address)
	if err := openStore(t, admin).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, admin, `DROP ROLE IF EXISTS firefly_worker; CREATE ROLE firefly_worker LOGIN;
		GRANT USAGE ON SCHEMA firefly TO firefly_worker;
		GRANT ALL ON ALL TABLES IN SCHEMA firefly TO firefly_worker;
		GRANT ALL ON ALL SEQUENCES IN SCHEMA firefly TO firefly_worker`)
	t.Cleanup(func() {
		_, _ = admin.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY firefly_worker; DROP ROLE firefly_worker")
	})
	var log strings.Builder
	s := openStore(t, openPool(t, with(t, address, func(u *url.URL) { u.User = url.User("firefly_worker") })),
		postgres.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	if _, err := s.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
		t.Fatal(err)
	}
	c := newClaim()
	tasks, err := s.ClaimDue(t.Context(), c)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("claimed %d tasks, error %v", len(tasks), err)
	}
	if err := s.Complete(t.Context(), []store.Completion{{ID: tasks[0].ID, Lease: c.Lease}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "does not own the tables") {
		t.Errorf("the log says %q", log.String())
	}
}

// A server that is killed and comes back is used again, as if nothing had been.
func TestServerComesBack(t *testing.T) {
	server := servers.NewPostgreSQL(t)
	pool := openPool(t, server.Database(t))
	s := openStore(t, pool)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := []store.NewTask{newTask()}
	if _, err := s.Insert(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	during := []store.NewTask{newTask()}
	if _, err := s.Insert(t.Context(), during); err == nil {
		t.Fatal("an insertion without a server succeeded")
	}
	server.Restart(t)
	for ctx, cancel := context.WithTimeout(t.Context(), time.Minute); ; {
		defer cancel()
		if _, err := s.Insert(ctx, during); err == nil {
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	tasks, err := s.ClaimDue(t.Context(), newClaim())
	if err != nil || len(tasks) != 2 || tasks[0].ID != before[0].ID || tasks[1].ID != during[0].ID {
		t.Fatalf("claimed %+v, error %v, want tasks %d and %d", tasks, err, before[0].ID, during[0].ID)
	}
}

// Closing a store leaves nothing behind, and the application's pool open.
func TestCloseLeavesNothing(t *testing.T) {
	pool := openPool(t, servers.PostgreSQL(t).Database(t))
	if err := pool.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	s, err := postgres.New(pool, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() {
		_, err := s.Wait(t.Context(), []string{"other"})
		waiting <- err
	}()
	if _, err := s.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil && !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("the application's pool: %v", err)
	}
}

// Durability tells what the server's settings are.
func TestDurability(t *testing.T) {
	s, _ := openFresh(t)
	d, err := s.Durability(t.Context())
	if err != nil || d.SynchronousCommit == "" {
		t.Errorf("%+v, error %v", d, err)
	}
}

// An application whose connections do not wait for the disk gets acknowledgements that did.
func TestAcknowledgedIsOnTheDisk(t *testing.T) {
	address := servers.PostgreSQL(t).Database(t)
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := openStore(t, pool)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(tx pgx.Tx) error{
		"insert": func(tx pgx.Tx) error {
			_, err := s.In(tx).Insert(t.Context(), []store.NewTask{newTask()})
			return err
		},
		"cancel":  function("SELECT firefly.cancel_1(0, '{1}')"),
		"retry":   function("SELECT firefly.retry_1(0, '{1}')"),
		"set due": function("SELECT firefly.set_due_1(0, '{1}', NULL, 0)"),
		"delete":  function("SELECT firefly.delete_1('{1}')"),
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if err := write(tx); err != nil {
				t.Fatal(err)
			}
			var setting string
			if err := tx.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&setting); err != nil || setting != "on" {
				t.Errorf("synchronous_commit is %q, error %v", setting, err)
			}
		})
	}
}

// function calls one of the store's functions of SQL.
func function(text string) func(tx pgx.Tx) error {
	return func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), text)
		return err
	}
}
