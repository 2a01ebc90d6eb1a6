package mongo_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/cut"
)

// A wire is the way of a client to its server.
type wire struct {
	// If they are set before it is connected: before is called before a command is sent, and lose says of a
	// message whether it, or its reply, is to be lost.
	before func(command string, body bson.Raw)
	lose   func(message []byte) cut.Moment

	left atomic.Int64 // commands until it is torn, if any
	torn atomic.Bool  // no connection can be made any more

	mu    sync.Mutex
	conns []net.Conn
}

// connect is the package's, by this way. Once it is connected, it waits only so long for a server that is
// gone.
func (w *wire) connect(tb testing.TB, url, database string, wait time.Duration) *driver.Database {
	tb.Helper()
	var client *driver.Client
	monitor := &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if w.before != nil {
				w.before(e.CommandName, e.Command)
			}
		},
		Succeeded: func(context.Context, *event.CommandSucceededEvent) {
			if w.left.Load() > 0 && w.left.Add(-1) == 0 {
				w.tear()
				_ = client.Ping(context.Background(), nil) // by a spare connection, so the client knows
			}
		},
	}
	client, err := driver.Connect(options.Client().ApplyURI(url).SetDialer(w).SetMonitor(monitor).
		SetMinPoolSize(3).SetServerSelectionTimeout(wait))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(tb.Context())) })
	for ctx := within(tb); client.Ping(ctx, nil) != nil; {
		if ctx.Err() != nil {
			tb.Fatal("the server cannot be reached")
		}
	}
	return client.Database(database)
}

// tearAfter makes a call, and tears the wire after so many of its commands. It reports whether there were
// as many.
func (w *wire) tearAfter(commands int, call func()) (hit bool) {
	w.left.Store(int64(commands))
	call()
	return w.left.Swap(0) == 0
}

// tear cuts all connections for good.
func (w *wire) tear() {
	w.torn.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
}

var errCut = errors.New("the connection was cut")

// DialContext implements [options.ContextDialer].
func (w *wire) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if w.torn.Load() {
		return nil, errCut
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, c)
	return &lossy{Conn: c, wire: w}, nil
}

// A lossy connection loses what its wire says.
type lossy struct {
	net.Conn
	wire *wire
	lost atomic.Bool // the next reply
}

// Write implements [net.Conn].
func (c *lossy) Write(request []byte) (int, error) {
	if c.wire.lose != nil {
		switch c.wire.lose(request) {
		case cut.Request:
			_ = c.Close()
			return 0, errCut
		case cut.Reply:
			c.lost.Store(true)
		}
	}
	return c.Conn.Write(request)
}

// Read implements [net.Conn].
func (c *lossy) Read(reply []byte) (int, error) {
	n, err := c.Conn.Read(reply)
	if c.lost.Load() && n > 0 {
		_ = c.Close()
		return 0, errCut
	}
	return n, err
}
