// Package sqlite keeps tasks in a SQLite file: durable, without a server, shared by any number of
// processes on one machine.
//
// Every write is a transaction that is on the disk before the call returns: the journal is a WAL,
// synchronous is FULL. SQLite has one lock for all writes, so a handler's transaction (see [Tx])
// holds up every other write to the file, the workers' included. Open it late, finish fast: past
// a third of the task's lease it is rolled back, and the run fails with [ErrTxTooLong].
//
// The store's clock is the machine's, which all processes on one file share.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

const (
	defaultBusy      = 10 * time.Second
	defaultRetention = 7 * 24 * time.Hour
	leastRetention   = 10 * time.Minute // rule 1
)

// Store is a store in a SQLite file. Make one with [Open] or [New].
type Store struct {
	config
	write *sql.Conn // guarded by lock
	read  *sql.DB
	close func() error
	lock  chan struct{} // of the write connection; one token
	done  chan struct{} // closed by Close
	texts map[string]string

	once    sync.Once
	holder  atomic.Pointer[store.Attempt] // whose transaction holds the lock
	stmts   map[string]*sql.Stmt          // of the write connection
	ids     idBlock
	cleaned atomic.Int64 // when, on the store's clock
	board   wake.Board
}

type config struct {
	prefix    string
	busy      time.Duration
	retention time.Duration
	offset    func() time.Duration
}

var _ store.Full = (*Store)(nil)

// An Option configures a store.
type Option func(*config)

// Prefix is what the names of the tables begin with: "firefly" by default. It has 1 to 48
// lower-case letters, digits and underscores, and begins with no digit.
func Prefix(prefix string) Option { return func(c *config) { c.prefix = prefix } }

// BusyTimeout is how long a write waits for other programs to let go of the file; 10 seconds by
// default.
func BusyTimeout(d time.Duration) Option { return func(c *config) { c.busy = d } }

// Retention is how long finished tasks are kept: a week by default, never less than ten minutes.
func Retention(d time.Duration) Option {
	return func(c *config) { c.retention = max(d, leastRetention) }
}

// ClockOffset is added to the machine's clock, for tests. It is called concurrently and must not
// go down.
func ClockOffset(offset func() time.Duration) Option {
	return func(c *config) { c.offset = offset }
}

var goodPrefix = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

func newConfig(opts []Option) (config, error) {
	c := config{prefix: "firefly", busy: defaultBusy, retention: defaultRetention, offset: func() time.Duration { return 0 }}
	for _, o := range opts {
		o(&c)
	}
	var faults []error
	if !goodPrefix.MatchString(c.prefix) {
		faults = append(faults, fmt.Errorf("prefix %q does not match %s", c.prefix, goodPrefix))
	}
	if c.busy < 0 {
		faults = append(faults, fmt.Errorf("busy timeout %s is negative", c.busy))
	}
	return c, store.Invalid("sqlite", faults...)
}

// Open opens the file, makes it if there is none, and brings its tables up to date. The store
// has the file's connections to itself; Close closes them.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	dsn, err := dataSource(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	db.SetMaxIdleConns(runtime.GOMAXPROCS(0) + 1)
	s, err := start(ctx, db, c, db.Close)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, errors.Join(explain(err), db.Close()))
	}
	return s, nil
}

// dataSource checks what SQLite explains badly, and names the file as a URI.
func dataSource(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: open %q: %w", path, err)
	}
	if info, err := os.Stat(full); err == nil && info.IsDir() {
		return "", fmt.Errorf("sqlite: open %s: it is a directory: name a file in it", path)
	}
	if _, err := os.Stat(filepath.Dir(full)); err != nil {
		return "", fmt.Errorf("sqlite: open %s: its directory: %w", path, err)
	}
	u := url.URL{Scheme: "file", Path: full, RawQuery: "_pragma=synchronous(full)&_pragma=busy_timeout(100)"}
	return u.String(), nil
}

// New returns a store in the application's own database, opened with the driver "sqlite" of
// modernc.org/sqlite, and brings the store's tables up to date. It takes one connection for
// its writes, and reads through the others, so db must allow two at least. Close gives the
// connection back; db stays open.
func New(ctx context.Context, db *sql.DB, opts ...Option) (*Store, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if db.Stats().MaxOpenConnections == 1 {
		return nil, errors.New("sqlite: the database is limited to one connection, which the store would take: allow two at least")
	}
	s, err := start(ctx, db, c, func() error { return nil })
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", explain(err))
	}
	return s, nil
}

// start takes the write connection and prepares the database.
func start(ctx context.Context, db *sql.DB, c config, closeDB func() error) (*Store, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{
		config: c, write: conn, read: db, close: closeDB, lock: make(chan struct{}, 1), done: make(chan struct{}),
		texts: statements(c.prefix), stmts: map[string]*sql.Stmt{},
	}
	s.lock <- struct{}{}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// Close implements [io.Closer]. It waits for the call that is under way.
func (s *Store) Close() (err error) {
	s.once.Do(func() {
		close(s.done)
		<-s.lock
		for _, stmt := range s.stmts {
			err = errors.Join(err, stmt.Close())
		}
		err = errors.Join(err, s.write.Close(), s.close())
	})
	return err
}

// now is the store's clock, in microseconds.
func (s *Store) now() int64 { return time.Now().Add(s.offset()).UnixMicro() }
