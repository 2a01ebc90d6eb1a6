package redis_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/walk"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
	"github.com/fireflytasks/go-firefly/storetest"
)

// modes are the servers that keep the contract, and how to connect to them.
var modes = map[string]func(tb testing.TB) goredis.UniversalClient{
	"StandAlone": func(tb testing.TB) goredis.UniversalClient {
		tb.Helper()
		return connect(tb, servers.RedisServer(tb).URL())
	},
	"Valkey": func(tb testing.TB) goredis.UniversalClient {
		tb.Helper()
		return connect(tb, servers.Valkey(tb).URL())
	},
	"Cluster": func(tb testing.TB) goredis.UniversalClient {
		tb.Helper()
		client := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: servers.RedisCluster(tb).Addrs()})
		tb.Cleanup(func() { _ = client.Close() })
		return client
	},
}

func connect(tb testing.TB, url string) *goredis.Client {
	tb.Helper()
	options, err := goredis.ParseURL(url)
	if err != nil {
		tb.Fatal(err)
	}
	client := goredis.NewClient(options)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func openStore(tb testing.TB, client goredis.UniversalClient, opts ...redis.Option) *redis.Store {
	tb.Helper()
	opts = append([]redis.Option{redis.Logger(slog.New(slog.DiscardHandler))}, opts...)
	s, err := redis.New(client, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// empty deletes the keys of a namespace.
func empty(tb testing.TB, client goredis.UniversalClient, namespace string) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	wipe := func(ctx context.Context, node *goredis.Client) error {
		keys, err := node.Keys(ctx, "{"+namespace+"}:*").Result()
		if err != nil || len(keys) == 0 {
			return err
		}
		return node.Del(ctx, keys...).Err()
	}
	var err error
	switch c := client.(type) {
	case *goredis.ClusterClient:
		err = c.ForEachMaster(ctx, wipe)
	case *goredis.Client:
		err = wipe(ctx, c)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// harness opens stores on a server, each in the namespace that was emptied before.
func harness(t *testing.T, mode, namespace string) storetest.Harness {
	t.Helper()
	client := modes[mode](t)
	var offset atomic.Int64
	open := func(tb testing.TB) store.Store {
		tb.Helper()
		return openStore(tb, client, redis.Namespace(namespace),
			redis.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
	}
	return storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			empty(tb, client, namespace)
			return open(tb)
		},
		Reopen: func(tb testing.TB, s store.Store) store.Store {
			tb.Helper()
			if err := store.Close(s); err != nil {
				tb.Error(err)
			}
			return open(tb)
		},
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
	}
}

func TestConformance(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) { storetest.RunFull(t, harness(t, mode, "kit")) })
	}
}

func TestWalks(t *testing.T) {
	if race.Enabled {
		t.Skip("10,000 steps on each server")
	}
	for mode := range modes {
		t.Run(mode, func(t *testing.T) { walk.Check(t, harness(t, mode, "walk"), 100) })
	}
}
