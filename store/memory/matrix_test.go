package memory_test

import (
	"context"
	"io"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// TestMatrix has workers in this process, each of which reaches the store as if it were in another.
func TestMatrix(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("takes many seconds")
	}
	stores := map[string]*memory.Store{}
	open := func(_ context.Context, name string) (store.Store, crash.Effects, error) {
		full, effects := crash.TaskEffects(stores[name], io.NopCloser(nil))
		return full, effects, nil
	}
	crash.Matrix(t, crash.Site{Open: open, Place: func(t *testing.T, fault string) crash.Place {
		t.Helper()
		stores[fault] = memory.New()
		return crash.Place{DSN: fault, Here: true}
	}})
}
