package memory_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/storetest"
)

func TestConformance(t *testing.T) {
	var offset atomic.Int64
	storetest.RunFull(t, storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			s := memory.New(memory.Clock(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }))
			tb.Cleanup(func() { _ = s.Close() })
			return s
		},
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
	})
}
