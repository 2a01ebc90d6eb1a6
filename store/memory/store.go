// Package memory keeps tasks in the memory of one process: the reference that shows what the
// contract of package store means, and a store for tests and for work that may be lost with
// the process. It has every capability.
package memory

import (
	"context"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const (
	defaultRetention = 24 * time.Hour
	leastRetention   = 10 * time.Minute // rule 1
)

// Store is a store in memory. Make one with [New].
type Store struct {
	clock     func() time.Time
	retention time.Duration
	done      chan struct{} // closed by Close

	mu       sync.Mutex
	now      time.Time // of the call that is under way
	closed   bool
	lastID   int64
	rows     map[int64]*row
	queues   map[string]*queue
	keys     map[string]*row // the holders of unique keys
	leases   map[store.LeaseID]*lease
	ends     leaseHeap
	finished finishedRows
	spent    []*lease // without tasks, remembered for repeated claims
	waiters  map[*waiter]struct{}
	undo     *[]func() // what takes back a transaction that is being applied
}

var (
	_ store.Full            = (*Store)(nil)
	_ store.ParentCompleter = (*Store)(nil)
)

// An Option configures a store.
type Option func(*Store)

// Clock replaces time.Now as the store's clock, for tests. It must not go back, and is called
// by one goroutine at a time.
func Clock(now func() time.Time) Option { return func(s *Store) { s.clock = now } }

// Retention is how long finished tasks are kept: a day by default, never less than ten minutes.
func Retention(d time.Duration) Option {
	return func(s *Store) { s.retention = max(d, leastRetention) }
}

// New returns an empty store.
func New(opts ...Option) *Store {
	s := &Store{
		clock: time.Now, retention: defaultRetention, done: make(chan struct{}),
		rows: map[int64]*row{}, queues: map[string]*queue{}, keys: map[string]*row{},
		leases: map[store.LeaseID]*lease{}, waiters: map[*waiter]struct{}{},
	}
	for _, o := range opts {
		o(s)
	}
	return s
}

// enter locks the store for a call: the caller unlocks it, unless there is an error.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return store.Definite(err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	s.now = s.clock().Round(0).UTC()
	s.forget()
	return nil
}

// forget drops the finished tasks that were kept long enough.
func (s *Store) forget() {
	for r := s.finished.oldest; r != nil && s.now.Sub(r.Finished) >= s.retention; r = s.finished.oldest {
		s.remove(r)
	}
}

// Close implements [io.Closer]. The tasks are gone with it.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	return nil
}

// Migrate implements [store.Migrator]: there is nothing to do.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Unlock()
	return nil
}

// Migration implements [store.MigrationReporter]: nothing is ever pending.
func (s *Store) Migration(ctx context.Context) (store.Migration, error) {
	return store.Migration{}, s.Migrate(ctx)
}
