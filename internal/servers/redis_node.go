//go:build unix

package servers

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A redisNode is a server of this machine's binaries, with a folder of its own.
type redisNode struct {
	daemon

	of     redisMake
	binary string
	port   int
}

// newRedisNode starts a server, on a port that is at most the highest, with lines for its redis.conf.
func newRedisNode(m redisMake, highest int, settings ...string) (*redisNode, error) {
	binary, err := m.binary()
	if err != nil {
		return nil, err
	}
	as, err := notRoot("redis")
	if err != nil && !isAbsent(err) { // without such a user, it runs as root, too
		return nil, err
	}
	// It keeps nothing outside of its folder, and so may end at once.
	g, err := newGuard(m.name, "KILL", as)
	if err != nil {
		return nil, err
	}
	n := &redisNode{daemon: daemon{guard: g}, of: m, binary: binary}
	err = onFreePort(highest, func(port int) error {
		n.port = port
		if err := n.configure(settings); err != nil {
			return err
		}
		return n.restart()
	})
	if err != nil {
		return nil, errors.Join(err, g.end())
	}
	return n, nil
}

// binary returns the name of the first of the make's binaries that is installed.
func (m redisMake) binary() (string, error) {
	for _, name := range m.binaries {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", absentError(strings.Join(m.binaries, " or ") + " is not installed")
}

func (n *redisNode) file() string { return n.guard.path("redis.conf") }

// configure writes the file that the server starts with, and may rewrite.
func (n *redisNode) configure(settings []string) error {
	const anybody = 0o666 // who is let into the folder, that is: its one user

	lines := append([]string{ // the last of several settings counts
		"bind " + loopback,
		"port " + strconv.Itoa(n.port),
		"dir " + n.guard.dir,
		`save ""`,
		"maxmemory-policy noeviction",
		"repl-diskless-sync-delay 0", // no use in waiting for more replicas
	}, settings...)
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(n.file(), []byte(text), anybody); err != nil {
		return err
	}
	return os.Chmod(n.file(), anybody)
}

// restart starts the server on its port and waits until it answers.
func (n *redisNode) restart() error {
	return n.start(n.ready, append([]string{n.binary, n.file()}, n.of.arguments...)...)
}

// ready reports whether a process is the server that answers, and has loaded its data.
func (n *redisNode) ready(pid int) bool {
	info, err := redisInfo(address(n.port))
	return err == nil && info["process_id"] == strconv.Itoa(pid) && info["loading"] != "1"
}
