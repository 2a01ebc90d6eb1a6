package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// judge runs a case on its own and notes how it ends.
func judge(t *testing.T, c testCase, h Harness) *recorder {
	t.Helper()
	r, ended := record(context.Background(), c.name, func(tb testing.TB) { c.check(tb, h, true) })
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatalf("%s hangs", c.name)
	}
	return r
}

// A fakeClock is the clock of the stores of one harness.
type fakeClock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// memoryHarness returns a harness of memory stores, each changed by wrap.
func memoryHarness(wrap func(*memory.Store, *fakeClock) store.Store) Harness {
	clock := &fakeClock{}
	return Harness{
		Advance: clock.advance,
		Open: func(tb testing.TB) store.Store {
			s := memory.New(memory.Clock(clock.now))
			tb.Cleanup(func() { _ = s.Close() })
			return wrap(s, clock)
		},
	}
}

func whole(s *memory.Store, _ *fakeClock) store.Store { return s }
