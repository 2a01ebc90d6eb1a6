package servers

import (
	"fmt"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A redisMake is a server that speaks Redis's protocol.
type redisMake struct {
	name     string // for messages and for FIREFLY_TEST_REQUIRE
	env      string // the environment variable that may name a server
	binaries []string
	image    string

	arguments []string // of the binary, besides the file
}

var (
	redisOrFork = redisMake{
		name: "redis", env: "FIREFLY_TEST_REDIS_URL", image: "redis:8",
		binaries: []string{"redis-server", "valkey-server"},
	}
	valkeyOnly = redisMake{
		name: "valkey", env: "FIREFLY_TEST_VALKEY_URL", image: "valkey/valkey:8",
		binaries: []string{"valkey-server"},
	}
)

// What a server keeps that was killed: nothing, or all that it acknowledged.
var (
	forgetful = []string{"appendonly no"}
	durable   = []string{"appendonly yes", "appendfsync always"}
)

// A Redis is a stand-alone Redis server, or one of its forks.
type Redis struct {
	of     redisMake
	url    string
	addr   string
	local  *redisNode // nil if the server was not started from this machine's binaries
	shared bool
}

// The servers that all tests of this binary use. What is started runs until the binary ends.
var (
	sharedRedis  = sync.OnceValues(redisOrFork.find)
	sharedValkey = sync.OnceValues(valkeyOnly.find)
)

// find finds a server for all tests.
func (m redisMake) find() (*Redis, error) {
	return find(m.env,
		m.at,
		func() (*Redis, error) {
			// No test can kill a server that it shares, so nothing has to be on the disk.
			r, err := m.start(forgetful...)
			if err != nil {
				return nil, err
			}
			r.shared = true
			return r, nil
		},
		func() (*Redis, error) {
			url, err := redisContainer(m.image)
			if err != nil {
				return nil, err
			}
			return m.at(url)
		})
}

// at returns the server at a URL.
func (m redisMake) at(url string) (*Redis, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("%s must be a URL, redis://host:port/database: %w", m.env, err)
	}
	return &Redis{of: m, url: url, addr: options.Addr, shared: true}, nil
}

// start starts a server from this machine's binaries with lines for its redis.conf.
func (m redisMake) start(settings ...string) (*Redis, error) {
	node, err := newRedisNode(m, highestPort, settings...)
	if err != nil {
		return nil, err
	}
	addr := address(node.port)
	return &Redis{of: m, url: "redis://" + addr + "/0", addr: addr, local: node}, nil
}

// RedisServer returns the stand-alone server that the tests of this binary share: the one that
// the environment variable FIREFLY_TEST_REDIS_URL names; or one that is started, without
// persistence, from this machine's binaries, be they of Redis or of Valkey; or a container. It may
// hold other tests' keys: each test needs a prefix of its own.
//
// Its name for FIREFLY_TEST_REQUIRE is "redis".
func RedisServer(tb testing.TB) *Redis {
	tb.Helper()
	r, err := sharedRedis()
	check(tb, redisOrFork.name, err)
	return r
}

// Valkey is as [RedisServer] for tests that ask for Valkey, with FIREFLY_TEST_VALKEY_URL and the
// name "valkey".
func Valkey(tb testing.TB) *Redis {
	tb.Helper()
	r, err := sharedValkey()
	check(tb, valkeyOnly.name, err)
	return r
}

// NewRedis starts a server for the test alone, from this machine's binaries, that keeps what it
// acknowledged: the test may kill it. Settings are lines for its redis.conf, such as
// "appendfsync everysec"; they come after those that make it durable. It ends with the test.
func NewRedis(tb testing.TB, settings ...string) *Redis {
	tb.Helper()
	return redisOrFork.ofTest(tb, append(durable, settings...))
}

// ofTest starts a server that ends with the test.
func (m redisMake) ofTest(tb testing.TB, settings []string) *Redis {
	tb.Helper()
	r, err := m.start(settings...)
	check(tb, m.name, err)
	tb.Cleanup(func() {
		if err := r.local.end(); err != nil {
			tb.Errorf("%s: %v", m.name, err)
		}
	})
	return r
}

// URL returns the URL of the server's first database, redis://host:port/0, or the one that an
// environment variable gave.
func (r *Redis) URL() string { return r.url }

// Addr returns host:port.
func (r *Redis) Addr() string { return r.addr }

// Kill kills the server with SIGKILL, and returns when it is gone. It is not for servers that
// other tests share.
func (r *Redis) Kill(tb testing.TB) {
	tb.Helper()
	if r.shared {
		tb.Fatalf("%s: other tests use this server: kill one of NewRedis", r.of.name)
	}
	if err := r.local.kill(); err != nil {
		tb.Fatalf("%s: %v", r.of.name, err)
	}
}

// Restart starts the server, which was killed, with its data and on its port, and returns when it
// has loaded its data and answers.
func (r *Redis) Restart(tb testing.TB) {
	tb.Helper()
	if r.shared || r.local.running() != 0 {
		tb.Fatalf("%s: only a server that was killed can be restarted", r.of.name)
	}
	if err := r.local.restart(); err != nil {
		tb.Fatalf("%s: %v", r.of.name, err)
	}
}

// Processes returns the process ids of the server and, after it, those of its children, for
// measuring. There are none if the server was killed, or is not one of this machine's binaries.
func (r *Redis) Processes() ([]int, error) {
	if r.local == nil {
		return nil, nil
	}
	return r.local.processes()
}
