package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/storebench"
	"github.com/fireflytasks/go-firefly/store"
)

func openForBench(b *testing.B) store.Store {
	b.Helper()
	s := doors["Open"](b, filepath.Join(b.TempDir(), "tasks.db"))
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func BenchmarkInsert(b *testing.B) { storebench.Insert(b, openForBench, 1, 100, 1000) }

func BenchmarkClaimAndComplete(b *testing.B) {
	storebench.ClaimAndComplete(b, openForBench, 1, 100, 1000)
}
