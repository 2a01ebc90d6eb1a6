package postgres_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// database makes a database for stores with the given options.
func database(opts ...postgres.Option) storefaults.Opener {
	return func(t *testing.T) storefaults.Database {
		t.Helper()
		address := servers.PostgreSQL(t).Database(t)
		pool := openPool(t, address)
		execute(t, pool, createEffect)
		return storefaults.Database{
			URL: address,
			Open: func(t *testing.T, url string) store.Full {
				t.Helper()
				return openStore(t, openPool(t, url), opts...)
			},
			WriteEffect:  effects{pool}.Write,
			CountEffects: effects{pool}.Count,
		}
	}
}

func TestCut(t *testing.T) { storefaults.Cut(t, database(postgres.Notify(false))) }
