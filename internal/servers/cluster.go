//go:build unix

package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A cluster is a PostgreSQL server of this machine's binaries, with a data directory of its own.
type cluster struct {
	guard *guard
	bin   string // the folder of the binaries
	port  int

	mu  sync.Mutex
	pid int // of the postmaster; 0 after a kill
}

// newCluster starts a server with lines for its postgresql.conf.
func newCluster(settings ...string) (*cluster, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	as, err := notRoot()
	if err != nil {
		return nil, err
	}
	g, err := newGuard("postgres", "QUIT", as)
	if err != nil {
		return nil, err
	}
	c := &cluster{guard: g, bin: bin}
	err = c.initialize(settings)
	if err == nil {
		err = onFreePort(func(port int) error {
			c.port = port
			return c.start()
		})
	}
	if err != nil {
		return nil, errors.Join(err, g.end())
	}
	return c, nil
}

func (c *cluster) data() string { return c.guard.path("data") }

// initialize makes the data directory.
func (c *cluster) initialize(settings []string) error {
	err := c.guard.run(filepath.Join(c.bin, "initdb"), "-D", c.data(), "-A", "trust", "-U", "postgres",
		"--no-instructions", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	lines := append([]string{
		"", // the last of several settings counts
		"listen_addresses = '" + loopback + "'",
		"unix_socket_directories = '.'", // the data directory, whose full name may be too long for a socket
		"shared_buffers = 128MB",
		"max_connections = 100",
	}, settings...)
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	return errors.Join(err, f.Close())
}

// start starts the server on its port and waits until it takes connections.
func (c *cluster) start() error {
	pid, err := c.guard.start(c.ready, filepath.Join(c.bin, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.port))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pid = pid
	return err
}

// ready reports whether a postmaster says that it takes connections: its file's first line is its
// process id, and the eighth its state. So neither an earlier postmaster's file can be mistaken
// for it, nor another server that has taken the port.
func (c *cluster) ready(pid int) bool {
	const stateLine = 7
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) > stateLine &&
		strings.TrimSpace(lines[0]) == strconv.Itoa(pid) && strings.TrimSpace(lines[stateLine]) == "ready"
}

// url returns the URL of a superuser.
func (c *cluster) url() string {
	return "postgres://postgres@" + address(c.port) + "/postgres?sslmode=disable"
}

// postmaster returns a process id, or 0 if the server was killed.
func (c *cluster) postmaster() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// processes returns the process ids of the postmaster and its children.
func (c *cluster) processes() ([]int, error) {
	pid := c.postmaster()
	if pid == 0 {
		return nil, nil
	}
	return family(pid)
}

// kill kills the postmaster and all its children at once.
func (c *cluster) kill() error {
	pid := c.postmaster()
	if pid == 0 {
		return errors.New("the server was killed before")
	}
	// Once stopped, the postmaster starts no more children, nor does it act on the death of any.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	all, err := family(pid)
	if err != nil {
		return err
	}
	for _, pid := range all {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	c.mu.Lock()
	c.pid = 0
	c.mu.Unlock()
	if err := c.guard.kill(); err != nil {
		return err
	}
	return awaitEnd(all)
}

// awaitEnd waits until none of some processes runs.
func awaitEnd(pids []int) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		running, err := alive(pids...)
		switch {
		case err != nil:
			return err
		case len(running) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("the processes %v survived SIGKILL by %s", running, patience)
		}
	}
}

// end kills the server and removes its data.
func (c *cluster) end() error { return c.guard.end() }
