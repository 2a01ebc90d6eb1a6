package redis_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// database empties a namespace of the test's own.
func database(t *testing.T) storefaults.Database {
	t.Helper()
	_, _ = fresh(t)
	name := redis.Namespace(namespace(t))
	return storefaults.Database{
		URL: servers.RedisServer(t).URL(),
		Open: func(t *testing.T, url string) store.Full {
			t.Helper()
			return openStore(t, connect(t, url), name)
		},
	}
}

func TestCut(t *testing.T) { storefaults.Cut(t, database) }
