package servers_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func do(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask returns the one value that a query has for an answer.
func ask[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, pgx.QueryExecModeExec).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestPostgreSQL(t *testing.T) {
	p := servers.PostgreSQL(t)
	t.Run("it is shared", func(t *testing.T) {
		if again := servers.PostgreSQL(t); again != p {
			t.Errorf("two servers: %s and %s", p.URL(), again.URL())
		}
	})
	t.Run("it answers a superuser", func(t *testing.T) {
		if got := ask[string](t, connect(t, p.URL()), "SELECT current_setting('is_superuser')"); got != "on" {
			t.Errorf("is_superuser is %s", got)
		}
	})
}

func TestDatabase(t *testing.T) {
	p := servers.PostgreSQL(t)
	const count = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
	const name = "SELECT current_database()"
	var dropped string
	t.Run("each is empty", func(t *testing.T) {
		for range 2 {
			conn := connect(t, p.Database(t))
			dropped = ask[string](t, conn, name)
			if n := ask[int](t, conn, count); n != 0 {
				t.Errorf("%d relations in %s", n, dropped)
			}
			do(t, conn, "CREATE TABLE mark (id int)")
		}
	})
	t.Run("it is dropped in spite of a connection", func(t *testing.T) {
		var open *pgx.Conn
		t.Run("its test", func(t *testing.T) {
			url := p.Database(t)
			var err error
			if open, err = pgx.Connect(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			dropped = ask[string](t, open, name)
		})
		_ = open.Close(t.Context())
		if n := ask[int](t, connect(t, p.URL()), "SELECT count(*) FROM pg_database WHERE datname = '"+dropped+"'"); n != 0 {
			t.Errorf("%s is still there", dropped)
		}
	})
}

func TestKillAndRestart(t *testing.T) {
	p := servers.NewPostgreSQL(t, "max_connections = 21")
	url := p.Database(t)
	conn := connect(t, url)
	before, err := p.Processes()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it is durable and takes settings", func(t *testing.T) {
		for name, want := range map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "21",
		} {
			if got := ask[string](t, conn, "SELECT current_setting('"+name+"')"); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
	})
	t.Run("its processes are known", func(t *testing.T) {
		backend := ask[int](t, conn, "SELECT pg_backend_pid()")
		if !slices.Contains(before[1:], backend) {
			t.Errorf("the backend %d is not among %v", backend, before)
		}
	})
	do(t, conn, "CREATE TABLE mark (id int)")
	do(t, conn, "INSERT INTO mark VALUES (1)")
	do(t, conn, "BEGIN")
	do(t, conn, "INSERT INTO mark VALUES (2)")

	p.Kill(t)
	t.Run("after a kill nobody answers", func(t *testing.T) {
		if err := conn.Ping(t.Context()); err == nil {
			t.Error("the old connection does")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if conn, err := pgx.Connect(ctx, url); err == nil {
			_ = conn.Close(ctx)
			t.Error("a new connection does")
		}
		if after, err := p.Processes(); err != nil || len(after) != 0 {
			t.Errorf("processes: %v, error %v", after, err)
		}
	})
	for range 2 { // the second life ends as suddenly as the first
		p.Restart(t)
		t.Run("after a restart what was committed is there", func(t *testing.T) {
			if ids := ask[[]int](t, connect(t, url), "SELECT array_agg(id) FROM mark"); !slices.Equal(ids, []int{1}) {
				t.Errorf("rows %v, want only 1", ids)
			}
		})
		p.Kill(t)
	}
}
