package memory_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/walk"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/storetest"
)

func harness() storetest.Harness {
	var offset atomic.Int64
	return storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			s := memory.New(memory.Clock(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }))
			tb.Cleanup(func() { _ = s.Close() })
			return s
		},
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
	}
}

func TestConformance(t *testing.T) { storetest.RunFull(t, harness()) }

// TestWalks takes a hundred thousand steps.
func TestWalks(t *testing.T) { walk.Check(t, harness(), 1000) }
