package fireflytest

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// A Store is a memory store whose clock moves only when it is told to. It is safe for concurrent
// use. Make one with [NewStore].
type Store struct {
	*memory.Store
	clock *clock
}

// NewStore returns an empty store, which is closed when the test ends. Its clock stands at the time
// of the call, in whole seconds. It keeps finished tasks for ever, however far the clock is moved,
// unless opts say otherwise.
func NewStore(tb testing.TB, opts ...memory.Option) *Store {
	tb.Helper()
	c := &clock{now: time.Now().UTC().Truncate(time.Second)}
	s := memory.New(append([]memory.Option{memory.Clock(c.read), memory.Retention(math.MaxInt64)}, opts...)...)
	tb.Cleanup(func() { _ = s.Close() })
	return &Store{s, c}
}

// NewClient returns a client of s with the default configuration. If that fails, so does the test.
func NewClient(tb testing.TB, s store.Store) *firefly.Client {
	tb.Helper()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		tb.Fatalf("fireflytest: %v", err)
	}
	return client
}

// Unwrap returns the memory store: a client of that one is a client of s.
func (s *Store) Unwrap() store.Store { return s.Store }

// Now returns what the store's clock shows.
func (s *Store) Now() time.Time { return s.clock.read() }

// Advance moves the store's clock on. A negative d moves nothing: clocks do not go back.
func (s *Store) Advance(d time.Duration) { s.clock.advance(d) }

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
}

// A movable store has a clock like that of [Store], maybe under wrappers.
type movable interface {
	Now() time.Time
	Advance(d time.Duration)
}
