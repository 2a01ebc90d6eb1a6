package servers

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/internal/servers/docdb"
)

// envDocumentDB names the folder in which DocumentDB is installed, if it is not where scripts/setup puts it.
const (
	envDocumentDB     = "FIREFLY_TEST_DOCUMENTDB"
	defaultDocumentDB = "/var/cache/firefly/documentdb"
)

// sharedDocumentDB is behind both servers that tests share. No test can crash it, so nothing has to
// be on the disk.
var sharedDocumentDB = sync.OnceValues(func() (*postmaster, error) {
	return newDocumentDB("fsync = off", "full_page_writes = off")
})

// newDocumentDB starts a PostgreSQL with DocumentDB, ready for gateways.
func newDocumentDB(settings ...string) (*postmaster, error) {
	bin, err := documentDBBinaries()
	if err != nil {
		return nil, err
	}
	p, err := postmasterOf(bin, append(docdb.Settings(), settings...))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := docdb.Prepare(ctx, p.url()); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// A documentDB is a gateway, which runs in this process, and the PostgreSQL behind it.
type documentDB struct {
	*postmaster

	standAlone bool
	lifetime   time.Duration // of transactions
	port       int

	mu      sync.Mutex
	gateway *docdb.Gateway // nil after a kill
}

// startGateway starts a gateway on a port of its own.
func startGateway(p *postmaster, standAlone bool, lifetime time.Duration) (*documentDB, error) {
	d := &documentDB{postmaster: p, standAlone: standAlone, lifetime: lifetime}
	err := onFreePort(highestPort, func(port int) error {
		d.port = port
		return d.serve()
	})
	return d, err
}

func (d *documentDB) url() string { return "mongodb://" + address(d.port) + "/?directConnection=true" }

func (d *documentDB) serve() error {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", address(d.port))
	if err != nil {
		return err
	}
	g, err := docdb.Serve(l, d.postmaster.url(), d.standAlone, d.lifetime)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gateway = g
	return nil
}

func (d *documentDB) running() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gateway != nil
}

// stop ends the gateway, if it runs.
func (d *documentDB) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gateway != nil {
		d.gateway.Close()
		d.gateway = nil
	}
}

// kill kills PostgreSQL first, so that it is in the middle of what clients wait for.
func (d *documentDB) kill() error {
	err := d.postmaster.kill()
	d.stop()
	return err
}

func (d *documentDB) restart() error {
	if err := d.postmaster.restart(); err != nil {
		return err
	}
	return d.serve()
}

// A gatewayList is of gateways that run.
type gatewayList struct {
	mu  sync.Mutex
	all []*documentDB
}

var sharedGateways gatewayList

func (l *gatewayList) add(d *documentDB) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *gatewayList) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.all {
		d.stop()
	}
	l.all = nil
}
