package memory_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/history"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

func TestHistories(t *testing.T) {
	history.Check(t, func(t *testing.T) storefaults.Database {
		t.Helper()
		s := memory.New()
		t.Cleanup(func() { _ = s.Close() })
		return storefaults.Database{Open: func(*testing.T, string) store.Full { return s }}
	}, history.Plan{})
}
