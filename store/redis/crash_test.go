package redis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// replicated begins the URL of a server whose writes are to wait for a replica.
const replicated = "replicated:"

func openForCrash(ctx context.Context, url string) (store.Store, crash.Effects, error) {
	opts := []redis.Option{quiet(), redis.Namespace("crash")}
	url, waits := strings.CutPrefix(url, replicated)
	if waits {
		opts = append(opts, redis.Replicas(1, 10*time.Second))
	}
	options, err := goredis.ParseURL(url)
	if err != nil {
		return nil, nil, err
	}
	client := goredis.NewClient(options)
	s, err := redis.New(client, opts...)
	if err == nil {
		err = s.Migrate(ctx)
	}
	full, effects := crash.TaskEffects(s, client)
	return full, effects, err
}

func TestCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills dozens of processes")
	}
	crash.Test(t, servers.NewRedis(t).URL(), openForCrash, crash.Minimum())
}

func TestFourProcessesShareAServer(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Together(t, servers.NewRedis(t).URL(), openForCrash, 4, 1000)
}

func TestPausedProcesses(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("waits for leases to end")
	}
	crash.Pauses(t, servers.NewRedis(t).URL(), openForCrash, 8)
}

func TestServerCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills a server a dozen times")
	}
	server := servers.NewRedis(t)
	crash.Servers(t, server.URL(), openForCrash, server, 12, 1000)
}
