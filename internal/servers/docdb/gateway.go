package docdb

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// patience is how long PostgreSQL may take for what no client waits for.
const patience = 10 * time.Second

// A Gateway is a MongoDB to its clients: a replica set of one member, or a stand-alone server.
type Gateway struct {
	standAlone bool
	lifetime   time.Duration
	pool       *pgxpool.Pool
	listener   net.Listener
	election   bson.ObjectID
	all        sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	clients  map[net.Conn]struct{}
	sessions map[string]*session
	cursors  map[int64]*cursor
	clock    bson.Timestamp
}

// Serve starts a gateway that takes clients from a listener, for a PostgreSQL that was prepared. A
// stand-alone one has no transactions, and repeated writes are not recognized. Transactions are rolled
// back when they have been open for their lifetime: MongoDB's transactionLifetimeLimitSeconds.
func Serve(listener net.Listener, url string, standAlone bool, lifetime time.Duration) (*Gateway, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 100
	// To cancel a statement is to ask PostgreSQL for it and to wait for the answer: the outcome is known.
	config.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: patience}
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		standAlone: standAlone,
		lifetime:   lifetime,
		pool:       pool,
		listener:   listener,
		election:   bson.NewObjectID(),
		clients:    map[net.Conn]struct{}{},
		sessions:   map[string]*session{},
		cursors:    map[int64]*cursor{},
	}
	g.all.Go(g.accept)
	return g, nil
}

// Addr is where clients connect to.
func (g *Gateway) Addr() string { return g.listener.Addr().String() }

// Close cuts all connections, and forgets all sessions: open transactions are rolled back.
func (g *Gateway) Close() {
	_ = g.listener.Close()
	g.mu.Lock()
	g.closed = true
	for c := range g.clients {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.all.Wait()
	g.abortIn("")
	g.pool.Close()
}

func (g *Gateway) accept() {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		if g.admit(c) {
			g.all.Go(func() {
				defer g.dismiss(c)
				g.serve(c)
			})
		}
	}
}

// admit notes a client, or closes its connection if the gateway is closed.
func (g *Gateway) admit(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = c.Close()
		return false
	}
	g.clients[c] = struct{}{}
	return true
}

func (g *Gateway) dismiss(c net.Conn) {
	_ = c.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.clients, c)
}

// serve answers a client's commands, one after the other.
func (g *Gateway) serve(c net.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	requests := make(chan *request)
	g.all.Go(func() { // reads on, for a client that goes away stops its command
		defer close(requests)
		defer cancel()
		for {
			q, err := readRequest(c)
			if err != nil {
				return
			}
			select {
			case requests <- q:
			case <-ctx.Done():
				return
			}
		}
	})
	for q := range requests {
		reply := g.handle(ctx, q)
		if reply == nil {
			return
		}
		if q.silent {
			continue
		}
		if _, err := c.Write(q.appendReply(nil, reply)); err != nil {
			return
		}
	}
}
