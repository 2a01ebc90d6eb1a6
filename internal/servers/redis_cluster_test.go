package servers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

// clusterClient returns a client that follows redirections, and tries again while a slot has no
// master.
func clusterClient(t *testing.T, c *servers.Cluster) *redis.ClusterClient {
	t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.Addrs(), MaxRedirects: 100, ClusterStateReloadInterval: 100 * time.Millisecond, DialerRetries: 1,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// replicas returns how many replicas each master has, by the masters' own account.
func replicas(t *testing.T, c *servers.Cluster) []string {
	t.Helper()
	var counts []string
	for _, addr := range c.Addrs() {
		info, err := redisClient(t, "redis://"+addr).Info(t.Context(), "replication").Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "role:master\r\n") {
			_, count, _ := strings.Cut(info, "connected_slaves:")
			counts = append(counts, strings.Fields(count)[0])
		}
	}
	return counts
}

func master(t *testing.T, client *redis.ClusterClient, key string) string {
	t.Helper()
	node, err := client.MasterForKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return node.Options().Addr
}

func TestRedisCluster(t *testing.T) {
	c := servers.RedisCluster(t)
	client := clusterClient(t, c)
	t.Run("it is shared", func(t *testing.T) {
		if again := servers.RedisCluster(t); again != c {
			t.Errorf("two clusters: %v and %v", c.Addrs(), again.Addrs())
		}
	})
	t.Run("it has three masters, each with a replica", func(t *testing.T) {
		if got := replicas(t, c); !slices.Equal(got, []string{"1", "1", "1"}) {
			t.Errorf("the masters have %v replicas", got)
		}
		if got := c.Addrs(); len(got) != 6 {
			t.Errorf("addresses %v", got)
		}
	})
	t.Run("it takes keys of all slots", func(t *testing.T) {
		for i := range 100 {
			if err := client.Set(t.Context(), fmt.Sprint("some", i), i, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestMoveSlot(t *testing.T) {
	c := servers.RedisCluster(t)
	client := clusterClient(t, c)
	const key = "{moving}"
	keys := []string{key}
	for i := range 250 {
		keys = append(keys, fmt.Sprint(key, i))
	}
	for _, key := range keys {
		if err := client.Set(t.Context(), key, "of "+key, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	readable := func(t *testing.T, client redis.Cmdable) {
		t.Helper()
		for _, key := range keys {
			if got, err := client.Get(t.Context(), key).Result(); err != nil || got != "of "+key {
				t.Fatalf("%s: got %q, error %v", key, got, err)
			}
		}
	}
	old := master(t, client, key)
	atOld := redisClient(t, "redis://"+old)
	called := false
	c.MoveSlot(t, key, func() {
		called = true
		t.Run("halfway, every key is readable", func(t *testing.T) { readable(t, client) })
		t.Run("halfway, the old master sends on for keys that have moved, and for these only", func(t *testing.T) {
			if err := atOld.Get(t.Context(), key).Err(); !redis.HasErrorPrefix(err, "ASK") {
				t.Errorf("for the key itself: error %v", err)
			}
			here := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return atOld.Get(t.Context(), key).Err() != nil })
			if len(here) != len(keys)/2 {
				t.Errorf("of %d keys, %d are still here", len(keys), len(here))
			}
			if err := atOld.MGet(t.Context(), key, here[0]).Err(); !redis.HasErrorPrefix(err, "TRYAGAIN") {
				t.Errorf("for keys in both halves: error %v", err)
			}
		})
	})
	if !called {
		t.Error("there was no halfway")
	}
	t.Run("afterwards, every key is readable, with a client that was there before", func(t *testing.T) { readable(t, client) })
	t.Run("afterwards, all nodes know", func(t *testing.T) {
		fresh := clusterClient(t, c)
		readable(t, fresh)
		if at := master(t, fresh, key); at == old {
			t.Errorf("the master of the slot is still %s", at)
		}
		for _, addr := range c.Addrs() {
			err := redisClient(t, "redis://"+addr).Get(t.Context(), key).Err()
			if err != nil && !strings.HasSuffix(err.Error(), " "+master(t, fresh, key)) {
				t.Errorf("%s says %v", addr, err)
			}
		}
	})
	t.Run("it works without a halfway, and for a slot without keys", func(t *testing.T) {
		c.MoveSlot(t, key, nil)
		c.MoveSlot(t, "no such key", nil)
		readable(t, client)
	})
}

func TestKillMaster(t *testing.T) {
	t.Parallel() // with others that mostly wait
	c := servers.NewRedisCluster(t)
	client := clusterClient(t, c)
	const key = "mark"
	node, err := client.MasterForKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	conn := node.Conn()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Set(t.Context(), key, "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Wait(t.Context(), 1, time.Minute).Result(); err != nil || n != 1 {
		t.Fatalf("the key is on %d replicas, error %v", n, err)
	}
	killed := node.Options().Addr

	c.KillMaster(t, key)
	if err := redisClient(t, "redis://"+killed).Ping(t.Context()).Err(); err == nil {
		t.Errorf("%s answers", killed)
	}
	if left, err := c.Processes(); err != nil || len(left) < 5 {
		t.Errorf("processes %v, error %v", left, err)
	}

	c.AwaitOK(t)
	if at := master(t, clusterClient(t, c), key); at == killed {
		t.Errorf("after the failover the master is still %s", at)
	}
	if got, err := client.Incr(t.Context(), key).Result(); err != nil || got != 2 {
		t.Errorf("after the failover the key is %d, error %v", got, err)
	}

	c.Restart(t)
	if got := replicas(t, c); !slices.Equal(got, []string{"1", "1", "1"}) {
		t.Errorf("after the restart the masters have %v replicas", got)
	}
	if got, err := client.Incr(t.Context(), key).Result(); err != nil || got != 3 {
		t.Errorf("after the restart the key is %d, error %v", got, err)
	}
}
