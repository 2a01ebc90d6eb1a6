package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/history"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

func TestHistories(t *testing.T) {
	history.Check(t, func(t *testing.T) storefaults.Database {
		t.Helper()
		path := filepath.Join(t.TempDir(), "tasks.db")
		return storefaults.Database{Open: func(t *testing.T, _ string) store.Full {
			t.Helper()
			s, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}}
	}, history.Plan{})
}
