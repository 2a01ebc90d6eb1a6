package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/background"
	"github.com/fireflytasks/go-firefly/internal/ids"
	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Store is a store in a PostgreSQL database. Make one with [New].
type Store struct {
	config
	app *pgxpool.Pool // the application's
	own *pgxpool.Pool
	sql texts

	beside *background.Group // what runs beside the calls

	looking sync.Mutex
	ready   atomic.Bool // the server has been looked at

	admin   chan struct{} // held by the one administration that is under way
	board   wake.Board
	listen  sync.Once
	mailbox mailbox
	ids     ids.Ranges
	floors  floors
	leases  leases
	work    workload
}

var (
	_ store.Full               = (*Store)(nil)
	_ store.ConcurrentInserter = (*Store)(nil)
)

// ownConnections is how many connections the store dials for itself, beside the one that listens.
// One is for administration and housekeeping at most, so claims, verdicts and heartbeats always
// have some to use.
const ownConnections = 4

// New returns a store in the database of pool, which must stay open for as long as the store is
// used. It talks to no server yet: the first call does, and finds out whether the server and the
// tables are fit for use. Call [Store.Migrate] before, once for a release at least, and Close
// when the store is not used any more. All faults of the options come in one error.
func New(pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	dial := pool.Config()
	if mode := dial.ConnConfig.DefaultQueryExecMode; mode != pgx.QueryExecModeCacheStatement {
		c.pooler = true // nobody else does without named statements
	}
	s := &Store{config: c, app: pool, sql: newTexts(c.schema), beside: background.New(), admin: make(chan struct{}, 1)}
	if s.own, err = pgxpool.NewWithConfig(context.Background(), s.ownConfig(dial)); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s.mailbox.init(s)
	return s, nil
}

// ownConfig changes the application's configuration, a copy, for a pool of the store's own.
func (s *Store) ownConfig(c *pgxpool.Config) *pgxpool.Config {
	c.MaxConns = ownConnections
	c.MinConns, c.MinIdleConns = 0, 0
	c.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) { return true, nil } // nor BeforeAcquire
	c.AfterRelease = nil
	if s.pooler {
		c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return c
}

// Close implements [io.Closer]. It waits for calls that are under way; the application's pool
// stays open.
func (s *Store) Close() error {
	s.beside.Close()
	s.own.Close()
	return nil
}

// skew is what tests add to the server's clock, in microseconds.
func (s *Store) skew() int64 { return s.offset().Microseconds() }
