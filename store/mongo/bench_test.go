package mongo_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storebench"
	"github.com/fireflytasks/go-firefly/store"
)

// openDurable opens a store on a server that keeps what was committed.
func openDurable(b *testing.B) store.Store {
	b.Helper()
	server := servers.NewMongoDB(b)
	return openStore(b, connect(b, server.URL(), server.Database(b)))
}

func BenchmarkInsert(b *testing.B) { storebench.Insert(b, openDurable, 1, 16, 100, 1000, 10_000) }

func BenchmarkClaimAndComplete(b *testing.B) {
	storebench.ClaimAndComplete(b, openDurable, 1, 100, 1000)
}
