//go:build unix

package servers

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby starts a server that follows this one, from this machine's binaries, and returns when every
// commit waits for it. It takes over by [Postgres.Promote], and ends with the test.
func (p *Postgres) Standby(tb testing.TB) *Postgres {
	tb.Helper()
	s, err := p.standby(tb.Context())
	check(tb, postgres, err)
	tb.Cleanup(func() {
		if err := s.local.end(); err != nil {
			tb.Errorf("postgres: %v", err)
		}
	})
	const wait = "ALTER SYSTEM SET synchronous_standby_names = '*'"
	err = errors.Join(p.exec(tb.Context(), wait), p.exec(tb.Context(), "SELECT pg_reload_conf()"))
	if err == nil {
		err = until(func() error { return p.followed(tb.Context()) })
	}
	if err != nil {
		tb.Fatalf("postgres: a standby: %v", err)
	}
	return s
}

func (p *Postgres) standby(ctx context.Context) (*Postgres, error) {
	primary, err := url.Parse(p.url)
	if err != nil {
		return nil, err
	}
	as, err := notRoot("postgres")
	if err != nil {
		return nil, err
	}
	g, err := newGuard("postgres", "QUIT", as)
	if err != nil {
		return nil, err
	}
	s := &postmaster{daemon: daemon{guard: g}, bin: p.local.bin}
	err = g.run(filepath.Join(s.bin, "pg_basebackup"), "-D", s.data(), "-R", "-X", "stream", "-c", "fast",
		"-d", "postgres://postgres@"+primary.Host+"/postgres?sslmode=disable")
	if err == nil {
		err = onFreePort(highestPort, func(port int) error {
			s.port = port
			return s.restart()
		})
	}
	if err != nil {
		return nil, errors.Join(err, g.end())
	}
	return &Postgres{url: s.url(), local: s}, ctx.Err()
}

// followed is nil when a standby has all that is committed.
func (p *Postgres) followed(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var n int
	err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')").Scan(&n)
	if err == nil && n == 0 {
		err = errors.New("no standby has caught up")
	}
	return err
}

// Promote has a standby take over. Its commits wait for a standby of its own, which is to be started next.
func (p *Postgres) Promote(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var done bool
	conn, err := pgx.Connect(ctx, p.url)
	if err == nil {
		err = conn.QueryRow(ctx, "SELECT pg_promote(true, $1)", int(patience/time.Second)).Scan(&done)
		_ = conn.Close(ctx)
	}
	if err != nil || !done {
		tb.Fatalf("postgres: promote: done: %t, error %v", done, err)
	}
}

// Addr is where the server listens.
func (p *Postgres) Addr() string {
	u, err := url.Parse(p.url)
	if err != nil {
		return ""
	}
	return u.Host
}
