package redis_test

import (
	"context"
	"strconv"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// Redis has no table of the application's that a handler's transaction could write to, so an effect
// is a task, in a queue that nobody works on, with the id of the handler's as its parameter.
const effectQueue = "effect"

type effects struct {
	store  *redis.Store
	client *goredis.Client
}

func openForCrash(ctx context.Context, url string) (store.Store, crash.Effects, error) {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return nil, nil, err
	}
	client := goredis.NewClient(options)
	s, err := redis.New(client, quiet(), redis.Namespace("crash"))
	if err == nil {
		err = s.Migrate(ctx)
	}
	return withoutEffects{s}, effects{s, client}, err
}

func (effects) Write(ctx context.Context, task int64) error {
	tx, err := store.AttemptTx(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Insert(ctx, []store.NewTask{{
		Name: "effect", Queue: effectQueue, Encoding: "json", Params: strconv.AppendInt(nil, task, 10),
	}})
	return err
}

func (e effects) Count(ctx context.Context) (map[int64]int, error) {
	defer e.client.Close()
	tasks, err := e.store.List(ctx, store.Filter{Queues: []string{effectQueue}}, store.Page{Limit: 1 << 20})
	counts := map[int64]int{}
	for _, task := range tasks {
		id, bad := strconv.ParseInt(string(task.Params), 10, 64)
		if bad != nil {
			return nil, bad
		}
		counts[id]++
	}
	return counts, err
}

// withoutEffects hides the tasks that are effects from those who look whether all is done.
type withoutEffects struct{ *redis.Store }

func (s withoutEffects) List(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
	f.Queues = []string{"default"}
	return s.Store.List(ctx, f, p)
}

func (s withoutEffects) Counts(ctx context.Context) (counts []store.QueueCounts, err error) {
	all, err := s.Store.Counts(ctx)
	for _, c := range all {
		if c.Queue != effectQueue {
			counts = append(counts, c)
		}
	}
	return counts, err
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
