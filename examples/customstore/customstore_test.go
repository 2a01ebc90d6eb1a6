package customstore_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/examples/customstore"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/storetest"
)

func TestConformance(t *testing.T) {
	var offset atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	storetest.Run(t, storetest.Harness{
		Open:    func(testing.TB) store.Store { return customstore.New(clock) },
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
	})
}
