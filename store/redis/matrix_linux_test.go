package redis_test

import (
	"context"
	"testing"

	goredis "github.com/redis/go-redis/v9"

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
	if fault == crash.DiskFull {
		return onSmallDisk(t)
	}
	server := servers.NewRedis(t)
	p := crash.Place{DSN: server.URL(), Addr: server.Addr(), Server: server}
	p.Crowd = func(tb testing.TB) func() { tb.Helper(); return crowd(tb, server.URL()) }
	if fault == crash.Failover {
		p.DSN = replicated + p.DSN
		replica := server.Replica(t)
		p.Failover = func(tb testing.TB) string {
			tb.Helper()
			server.Kill(tb)
			promote(tb, replica)
			server, replica = replica, replica.Replica(tb)
			return server.Addr()
		}
	}
	return p
}

// onSmallDisk is on a server whose disk can be filled. It ends itself then, as it cannot keep its log.
func onSmallDisk(t *testing.T) (p crash.Place) {
	t.Helper()
	var server *servers.Redis
	fill := crash.SmallDisk(t, 200, func(string) { server = servers.NewRedis(t) })
	if fill == nil {
		return p
	}
	return crash.Place{DSN: server.URL(), Addr: server.Addr(), Server: server, Fill: func(tb testing.TB) func() {
		tb.Helper()
		free := fill(tb)
		return func() {
			free()
			if connect(tb, server.URL()).Ping(tb.Context()).Err() != nil {
				server.Kill(tb)
				server.Restart(tb)
			}
		}
	}}
}

// promote has a replica take over.
func promote(tb testing.TB, replica *servers.Redis) {
	tb.Helper()
	if err := connect(tb, replica.URL()).ReplicaOf(tb.Context(), "NO", "ONE").Err(); err != nil {
		tb.Fatal(err)
	}
}

// crowd ends all connections and has the server take no others, until it is told to leave.
func crowd(tb testing.TB, url string) (leave func()) {
	tb.Helper()
	client := connect(tb, url)
	ctx := context.WithoutCancel(tb.Context())
	bound := func(n string) {
		if err := client.ConfigSet(ctx, "maxclients", n).Err(); err != nil {
			tb.Error(err)
		}
	}
	bound("1")
	if err := client.Do(ctx, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err(); err != nil && err != goredis.Nil { //nolint:errorlint // it is never wrapped
		tb.Error(err)
	}
	return func() { bound("10000") }
}
