package servers_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

// redisClient returns a client that does not try again.
func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.DialerRetries = -1, 1
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// setting returns the value of a server's setting.
func setting(t *testing.T, client *redis.Client, name string) string {
	t.Helper()
	values, err := client.ConfigGet(t.Context(), name).Result()
	if err != nil {
		t.Fatal(err)
	}
	return values[name]
}

func TestRedisServer(t *testing.T) {
	testSharedRedis(t, servers.RedisServer)
}

func TestValkey(t *testing.T) {
	testSharedRedis(t, servers.Valkey)
}

func testSharedRedis(t *testing.T, server func(testing.TB) *servers.Redis) {
	t.Helper()
	r := server(t)
	t.Run("it is shared", func(t *testing.T) {
		if again := server(t); again != r {
			t.Errorf("two servers: %s and %s", r.URL(), again.URL())
		}
	})
	t.Run("it answers", func(t *testing.T) {
		client := redisClient(t, r.URL())
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		if addr := client.Options().Addr; addr != r.Addr() {
			t.Errorf("the URL is of %s, the address is %s", addr, r.Addr())
		}
	})
	t.Run("it evicts nothing", func(t *testing.T) {
		if got := setting(t, redisClient(t, r.URL()), "maxmemory-policy"); got != "noeviction" {
			t.Errorf("the policy is %s", got)
		}
	})
}

func TestRedisKillAndRestart(t *testing.T) {
	r := servers.NewRedis(t, "hz 11")
	client := redisClient(t, r.URL())
	t.Run("it is durable and takes settings", func(t *testing.T) {
		for name, want := range map[string]string{"appendonly": "yes", "appendfsync": "always", "hz": "11"} {
			if got := setting(t, client, name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
	})
	t.Run("its process is known", func(t *testing.T) {
		if got, err := r.Processes(); err != nil || len(got) == 0 {
			t.Errorf("processes %v, error %v", got, err)
		}
	})
	if err := client.Set(t.Context(), "mark", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.Kill(t)
	t.Run("after a kill nobody answers", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := client.Ping(ctx).Err(); err == nil {
			t.Error("somebody does")
		}
		if after, err := r.Processes(); err != nil || len(after) != 0 {
			t.Errorf("processes: %v, error %v", after, err)
		}
	})
	for life := range int64(2) { // the second life ends as suddenly as the first
		r.Restart(t)
		t.Run("after a restart what was acknowledged is there", func(t *testing.T) {
			if got, err := client.Incr(t.Context(), "mark").Result(); err != nil || got != life+2 {
				t.Errorf("got %d, error %v", got, err)
			}
		})
		r.Kill(t)
	}
}
