package servers_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestRedisSentinel(t *testing.T) {
	t.Parallel() // with others that mostly wait
	primary := servers.NewRedis(t)
	replica := primary.Replica(t)
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: servers.SentinelName, SentinelAddrs: []string{primary.Sentinel(t)}, DialerRetries: 1,
	})
	t.Cleanup(func() { _ = client.Close() })
	conn := client.Conn()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Set(t.Context(), "mark", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Wait(t.Context(), 1, time.Minute).Result(); err != nil || n != 1 {
		t.Fatalf("the key is on %d replicas, error %v", n, err)
	}
	promoted := redisClient(t, replica.URL())
	primary.Kill(t)
	eventually(t, "the replica takes over", func() bool { return promoted.Set(t.Context(), "after", "1", 0).Err() == nil })
	eventually(t, "clients find it, and the key", func() bool { return client.Get(t.Context(), "mark").Val() == "1" })
}
