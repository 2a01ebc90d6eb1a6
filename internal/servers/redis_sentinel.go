package servers

import (
	"net"
	"testing"
)

// SentinelName is the name that sentinels know a server by.
const SentinelName = "firefly"

// Sentinel starts a sentinel that looks after the server and its replicas, from this machine's
// binaries, and returns its host:port. Some seconds after the server was killed, a replica is made
// its successor; should the server come back, it is made a replica, up to 10 s later. The sentinel
// ends with the test.
func (r *Redis) Sentinel(tb testing.TB) string {
	tb.Helper()
	host, port, err := net.SplitHostPort(r.addr)
	check(tb, r.of.name, err)
	m := r.of
	m.arguments = []string{"--sentinel"}
	const alone = " 1" // it need not ask others whether the server is down
	return m.ofTest(tb, []string{
		"sentinel monitor " + SentinelName + " " + host + " " + port + alone,
		"sentinel down-after-milliseconds " + SentinelName + " 1000",
	}).addr
}
