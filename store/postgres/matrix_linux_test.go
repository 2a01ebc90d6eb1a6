package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestMatrix(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Matrix(t, crash.Site{Open: openForCrash, Place: place})
}

func place(t *testing.T, fault string) crash.Place {
	t.Helper()
	switch fault {
	case crash.DiskFull:
		return onSmallDisk(t)
	case crash.Failover:
		return withStandby(t)
	default:
		server := servers.NewPostgreSQL(t, "max_connections = 60")
		p := placeOn(t, server)
		p.Crowd = func(tb testing.TB) func() { tb.Helper(); return crowd(tb, server.URL()) }
		return p
	}
}

func placeOn(t *testing.T, server *servers.Postgres) crash.Place {
	t.Helper()
	return crash.Place{DSN: server.Database(t), Addr: server.Addr(), Server: server}
}

// crowd ends all connections and takes every one that the server has, until it is told to leave.
func crowd(tb testing.TB, url string) (leave func()) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	var all []*pgx.Conn
	take := func() {
		for {
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				return
			}
			all = append(all, conn)
		}
	}
	take()
	if len(all) > 0 {
		const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND datname <> current_database()`
		if _, err := all[0].Exec(ctx, others); err != nil {
			tb.Error(err)
		}
		take()
	}
	return func() {
		for _, conn := range all {
			_ = conn.Close(context.WithoutCancel(tb.Context()))
		}
	}
}

// onSmallDisk is on a server whose disk can be filled. It ends itself then, if it must.
func onSmallDisk(t *testing.T) (p crash.Place) {
	t.Helper()
	var server *servers.Postgres
	fill := crash.SmallDisk(t, 600, func(string) { server = servers.NewPostgreSQL(t) })
	if fill == nil {
		return p
	}
	p = placeOn(t, server)
	p.Fill = func(tb testing.TB) func() {
		tb.Helper()
		free := fill(tb)
		return func() {
			free()
			if conn, err := pgx.Connect(tb.Context(), server.URL()); err == nil {
				_ = conn.Close(tb.Context())
				return
			}
			server.Kill(tb)
			server.Restart(tb)
		}
	}
	return p
}

// withStandby is on a server whose commits wait for another, which takes over and gets one of its own.
func withStandby(t *testing.T) crash.Place {
	t.Helper()
	primary := servers.NewPostgreSQL(t)
	p := placeOn(t, primary)
	standby := primary.Standby(t)
	p.Failover = func(tb testing.TB) string {
		tb.Helper()
		primary.Kill(tb)
		standby.Promote(tb)
		primary, standby = standby, standby.Standby(tb)
		return primary.Addr()
	}
	return p
}
