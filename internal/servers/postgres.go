package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	postgres    = "postgres"
	envPostgres = "FIREFLY_TEST_POSTGRES_URL"

	// patience is how long a server may take for anything, on a machine that is busy.
	patience = time.Minute
)

// A Postgres is a PostgreSQL server.
type Postgres struct {
	url    string
	local  *postmaster // nil if the server was not started from this machine's binaries
	shared bool
}

// sharedPostgres finds the server that all tests of this binary use. What it starts runs until the
// binary ends.
var sharedPostgres = sync.OnceValues(func() (*Postgres, error) {
	return find(envPostgres,
		func(url string) (*Postgres, error) { return &Postgres{url: url, shared: true}, nil },
		func() (*Postgres, error) {
			// No test can crash a server that it shares, so nothing has to be on the disk.
			p, err := startPostgres("fsync = off", "full_page_writes = off")
			if err != nil {
				return nil, err
			}
			p.shared = true
			return p, nil
		},
		func() (*Postgres, error) {
			contained, err := postgresContainer()
			return &Postgres{url: contained, shared: true}, err
		})
})

func startPostgres(settings ...string) (*Postgres, error) {
	p, err := newPostmaster(settings...)
	if err != nil {
		return nil, err
	}
	return &Postgres{url: p.url(), local: p}, nil
}

// PostgreSQL returns the server that the tests of this binary share: the one that the environment
// variable FIREFLY_TEST_POSTGRES_URL names; or one that is started, without durability, from this
// machine's binaries; or a container. Each test takes a [Postgres.Database] of its own.
func PostgreSQL(tb testing.TB) *Postgres {
	tb.Helper()
	p, err := sharedPostgres()
	check(tb, postgres, err)
	return p
}

// NewPostgreSQL starts a server for the test alone, from this machine's binaries, that keeps what
// was committed: the test may kill it. Settings are lines for its postgresql.conf, such as
// "max_connections = 20". It ends with the test.
func NewPostgreSQL(tb testing.TB, settings ...string) *Postgres {
	tb.Helper()
	durable := []string{"fsync = on", "synchronous_commit = on", "full_page_writes = on"}
	p, err := startPostgres(append(durable, settings...)...)
	check(tb, postgres, err)
	tb.Cleanup(func() {
		if err := p.local.end(); err != nil {
			tb.Errorf("postgres: %v", err)
		}
	})
	return p
}

// URL returns the URL of a superuser on the database "postgres".
func (p *Postgres) URL() string { return p.url }

// Database makes an empty database, which is dropped when the test ends, and returns its URL.
func (p *Postgres) Database(tb testing.TB) string {
	tb.Helper()
	name := "firefly_" + strings.ToLower(rand.Text())
	target, err := withDatabase(p.url, name)
	if err == nil {
		// Unlike template1, which autovacuum visits, nobody is ever connected to template0.
		err = p.exec(tb.Context(), "CREATE DATABASE "+name+" TEMPLATE template0")
	}
	if err != nil {
		tb.Fatalf("postgres: %v", err)
	}
	tb.Cleanup(func() {
		if p.local != nil && p.local.running() == 0 {
			return // it was killed, and its data will be removed
		}
		if err := p.exec(context.WithoutCancel(tb.Context()), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("postgres: %v", err)
		}
	})
	return target
}

// withDatabase returns the URL of another database of a server.
func withDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err == nil && u.Scheme != "postgres" && u.Scheme != "postgresql" {
		err = fmt.Errorf("the scheme is %q", u.Scheme)
	}
	if err != nil {
		return "", fmt.Errorf("%s must be a URL, postgres://user@host:port/database: %w", envPostgres, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}

func (p *Postgres) exec(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// Kill kills the postmaster and all its backends with SIGKILL, and returns when they are gone. It
// is for servers of [NewPostgreSQL].
func (p *Postgres) Kill(tb testing.TB) {
	tb.Helper()
	if p.shared {
		tb.Fatal("postgres: other tests use this server: kill one of NewPostgreSQL")
	}
	if err := p.local.kill(); err != nil {
		tb.Fatalf("postgres: %v", err)
	}
}

// Restart starts the server, which was killed, with its data and on its port, and returns when it
// takes connections.
func (p *Postgres) Restart(tb testing.TB) {
	tb.Helper()
	if p.shared || p.local.running() != 0 {
		tb.Fatal("postgres: only a server that was killed can be restarted")
	}
	if err := p.local.restart(); err != nil {
		tb.Fatalf("postgres: %v", err)
	}
}

// Processes returns the process ids of the postmaster and, after it, those of its children, for
// measuring. There are none if the server was killed, or is not one of this machine's binaries.
func (p *Postgres) Processes() ([]int, error) {
	if p.local == nil {
		return nil, nil
	}
	return p.local.processes()
}
