//go:build unix

package servers

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A postmaster is a PostgreSQL server of this machine's binaries, with a data directory of its own.
type postmaster struct {
	daemon

	bin  string // the folder of the binaries
	port int
}

// newPostmaster starts a server with lines for its postgresql.conf.
func newPostmaster(settings ...string) (*postmaster, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	return postmasterOf(bin, settings)
}

// postmasterOf starts a server from the binaries in a folder.
func postmasterOf(bin string, settings []string) (*postmaster, error) {
	as, err := notRoot("postgres")
	if err != nil {
		return nil, err
	}
	g, err := newGuard("postgres", "QUIT", as)
	if err != nil {
		return nil, err
	}
	p := &postmaster{daemon: daemon{guard: g}, bin: bin}
	err = p.initialize(settings)
	if err == nil {
		err = onFreePort(highestPort, func(port int) error {
			p.port = port
			return p.restart()
		})
	}
	if err != nil {
		return nil, errors.Join(err, g.end())
	}
	return p, nil
}

func (p *postmaster) data() string { return p.guard.path("data") }

// initialize makes the data directory.
func (p *postmaster) initialize(settings []string) error {
	err := p.guard.run(filepath.Join(p.bin, "initdb"), "-D", p.data(), "-A", "trust", "-U", "postgres",
		"--no-instructions", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(p.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
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

// restart starts the server on its port and waits until it takes connections.
func (p *postmaster) restart() error {
	return p.start(p.ready, filepath.Join(p.bin, "postgres"), "-D", p.data(), "-p", strconv.Itoa(p.port))
}

// ready reports whether a postmaster says that it takes connections: its file's first line is its
// process id, and the eighth its state. So neither an earlier postmaster's file can be mistaken
// for it, nor another server that has taken the port.
func (p *postmaster) ready(pid int) bool {
	const stateLine = 7
	text, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) > stateLine &&
		strings.TrimSpace(lines[0]) == strconv.Itoa(pid) && strings.TrimSpace(lines[stateLine]) == "ready"
}

// url returns the URL of a superuser.
func (p *postmaster) url() string {
	return "postgres://postgres@" + address(p.port) + "/postgres?sslmode=disable"
}
