package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// patience bounds the wait for what should come at once.
const patience = 30 * time.Second

func TestHear(t *testing.T) { storefaults.Hear(t, database()) }

// Tasks of the application's own transaction are heard of when it has committed.
func TestHearsTheApplicationCommit(t *testing.T) {
	pool := openPool(t, servers.PostgreSQL(t).Database(t))
	here, there := openStore(t, pool), openStore(t, pool)
	if err := here.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	storefaults.UntilHeard(t, here, func() error {
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := there.In(tx).Insert(t.Context(), []store.NewTask{newTask()})
			return err
		})
	})
}

// Without notifications there is no connection that listens.
func TestNobodyListens(t *testing.T) {
	for name, opt := range map[string]postgres.Option{"Pooler": postgres.Pooler(), "Notify off": postgres.Notify(false)} {
		t.Run(name, func(t *testing.T) {
			s, pool := openFresh(t, opt)
			storefaults.UntilHeard(t, s, func() error {
				_, err := s.Insert(t.Context(), []store.NewTask{newTask()})
				return err
			})
			if n := listening(t, pool); n != 0 {
				t.Errorf("%d connections listen", n)
			}
		})
	}
}

func listening(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	const text = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`
	if err := pool.QueryRow(t.Context(), text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
