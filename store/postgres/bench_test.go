package postgres_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storebench"
	"github.com/fireflytasks/go-firefly/store"
)

// openDurable opens a store on a server that keeps what was committed.
func openDurable(b *testing.B) store.Store {
	b.Helper()
	pool := openPool(b, servers.NewPostgreSQL(b, "shared_buffers = 512MB", "max_wal_size = 4GB").Database(b))
	s := openStore(b, pool)
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkInsert(b *testing.B) { storebench.Insert(b, openDurable, 1, 16, 100, 1000, 10_000) }

func BenchmarkClaimAndComplete(b *testing.B) {
	storebench.ClaimAndComplete(b, openDurable, 1, 100, 1000)
}
