package background_test

import (
	"context"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/background"
)

func TestCloseEndsAllAndWaits(t *testing.T) {
	defer goleak.VerifyNone(t)
	g := background.New()
	var ended atomic.Int32
	for range 3 {
		g.Go(func(ctx context.Context) {
			<-ctx.Done()
			ended.Add(1)
		})
	}
	g.Go(func(context.Context) {})
	if g.Closed() {
		t.Error("it is closed before Close")
	}
	if !g.Close() || g.Close() {
		t.Error("the first Close was not the first, or the second was")
	}
	if n := ended.Load(); !g.Closed() || n != 3 {
		t.Errorf("after Close it is closed: %t, and %d of 3 have ended", g.Closed(), n)
	}
	g.Go(func(context.Context) { t.Error("it ran after Close") })
	<-g.Done()
}
