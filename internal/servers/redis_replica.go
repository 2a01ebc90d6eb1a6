package servers

import (
	"fmt"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Replica starts a replica of the server, from this machine's binaries, and returns when it has
// the server's data. It answers commands that write with the error READONLY. It may be killed, and
// ends with the test.
func (r *Redis) Replica(tb testing.TB) *Redis {
	tb.Helper()
	settings, err := replicaOf(r.url)
	check(tb, r.of.name, err)
	replica := r.of.ofTest(tb, append(settings, durable...))
	err = until(func() error {
		info, err := redisInfo(replica.addr)
		if err == nil && info["master_link_status"] != "up" {
			err = fmt.Errorf("the replica's link to %s is %s", r.addr, info["master_link_status"])
		}
		return err
	})
	check(tb, r.of.name, err)
	return replica
}

// replicaOf returns the settings of a replica of a server.
func replicaOf(url string) ([]string, error) {
	primary, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(primary.Addr)
	if err != nil {
		return nil, err
	}
	settings := []string{"replicaof " + host + " " + port}
	if primary.Username != "" {
		settings = append(settings, fmt.Sprintf("masteruser %q", primary.Username))
	}
	if primary.Password != "" {
		settings = append(settings, fmt.Sprintf("masterauth %q", primary.Password))
	}
	return settings, nil
}
