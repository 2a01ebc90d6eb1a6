package redis_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store/redis"
)

func TestHear(t *testing.T) { storefaults.Hear(t, database) }

// In a cluster what is published comes by the node that has the slot, wherever that moves.
func TestHearInACluster(t *testing.T) {
	c := servers.RedisCluster(t)
	client := modes["Cluster"](t)
	empty(t, client, namespace(t))
	here, there := openStore(t, client, redis.Namespace(namespace(t))), openStore(t, client, redis.Namespace(namespace(t)))
	storefaults.UntilCancelHeard(t, here, there)
	c.MoveSlot(t, "{"+namespace(t)+"}:id", nil)
	storefaults.UntilCancelHeard(t, here, there)
}
