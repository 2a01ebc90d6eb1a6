package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// effects is a table beside the store's in the same database.
type effects struct{ pool *pgxpool.Pool }

const createEffect = "CREATE TABLE IF NOT EXISTS effect (task bigint NOT NULL)"

func openForCrash(ctx context.Context, url string) (store.Store, crash.Effects, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	s, err := postgres.New(pool, quiet())
	if err == nil {
		err = s.Migrate(ctx)
	}
	if err == nil {
		_, err = pool.Exec(ctx, createEffect)
	}
	return s, effects{pool}, err
}

func (e effects) Write(ctx context.Context, task int64) error {
	tx, err := postgres.Tx(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO effect VALUES ($1)", task)
	return err
}

func (e effects) Close() error {
	e.pool.Close()
	return nil
}

func (e effects) Count(ctx context.Context) (map[int64]int, error) {
	rows, err := e.pool.Query(ctx, "SELECT task, count(*) FROM effect GROUP BY task")
	if err != nil {
		return nil, err
	}
	counts := map[int64]int{}
	var task int64
	var n int
	_, err = pgx.ForEachRow(rows, []any{&task, &n}, func() error {
		counts[task] = n
		return nil
	})
	return counts, err
}

func TestCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills dozens of processes")
	}
	crash.Test(t, servers.NewPostgreSQL(t).Database(t), openForCrash, crash.Minimum())
}

func TestFourProcessesShareADatabase(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Together(t, servers.PostgreSQL(t).Database(t), openForCrash, 4, 1000)
}

func TestPausedProcesses(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("waits for leases to end")
	}
	crash.Pauses(t, servers.PostgreSQL(t).Database(t), openForCrash, 8)
}

func TestServerCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills a server a dozen times")
	}
	server := servers.NewPostgreSQL(t, "synchronous_commit = off") // which the store has to make up for
	crash.Servers(t, server.Database(t), openForCrash, server, 12, 100)
}
