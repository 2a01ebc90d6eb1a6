package servers_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestRedisReplica(t *testing.T) {
	primary := servers.NewRedis(t)
	client := redisClient(t, primary.URL())
	if err := client.Set(t.Context(), "before", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	replica := redisClient(t, primary.Replica(t).URL())
	t.Run("it has what was there before", func(t *testing.T) {
		if got, err := replica.Get(t.Context(), "before").Result(); err != nil || got != "1" {
			t.Errorf("got %q, error %v", got, err)
		}
	})
	t.Run("it follows", func(t *testing.T) {
		if err := client.Set(t.Context(), "after", "2", 0).Err(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the replica has the key", func() bool { return replica.Get(t.Context(), "after").Val() == "2" })
	})
	t.Run("it refuses to write", func(t *testing.T) {
		if err := replica.Set(t.Context(), "before", "2", 0).Err(); !redis.HasErrorPrefix(err, "READONLY") {
			t.Errorf("error %v", err)
		}
	})
}
