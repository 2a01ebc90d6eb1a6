package postgres_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/walk"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
	"github.com/fireflytasks/go-firefly/storetest"
)

// modes are the ways to use a database, all of which keep the contract.
var modes = map[string]struct {
	schema string
	pooled bool
	opts   []postgres.Option
}{
	"Plain":     {schema: "firefly"},
	"Pooler":    {schema: "firefly", pooled: true, opts: []postgres.Option{postgres.Pooler()}},
	"Schema":    {schema: "order", opts: []postgres.Option{postgres.Schema("order")}}, // a reserved word
	"NotifyOff": {schema: "firefly", opts: []postgres.Option{postgres.Notify(false)}},
}

func openPool(tb testing.TB, url string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// quiet keeps what the store logs, that the test server is not durable above all, out of the tests.
func quiet() postgres.Option { return postgres.Logger(slog.New(slog.DiscardHandler)) }

func openStore(tb testing.TB, pool *pgxpool.Pool, opts ...postgres.Option) *postgres.Store {
	tb.Helper()
	s, err := postgres.New(pool, append([]postgres.Option{quiet()}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// openFresh opens a store on a database of its own.
func openFresh(tb testing.TB, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	pool := openPool(tb, servers.PostgreSQL(tb).Database(tb))
	s := openStore(tb, pool, opts...)
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s, pool
}

func execute(tb testing.TB, pool *pgxpool.Pool, text string) {
	tb.Helper()
	if _, err := pool.Exec(tb.Context(), text); err != nil {
		tb.Fatal(err)
	}
}

// harness opens stores of a mode, one after the other, on one database that is emptied before.
func harness(t *testing.T, mode string) storetest.Harness {
	t.Helper()
	m := modes[mode]
	server := servers.PostgreSQL(t)
	url := server.Database(t)
	direct := openPool(t, url)
	if m.pooled {
		url = server.PgBouncer(t, url)
	}
	pool := openPool(t, url)
	if err := openStore(t, direct, postgres.Schema(m.schema)).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var offset atomic.Int64
	opts := append([]postgres.Option{postgres.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) })}, m.opts...)
	return storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			empty(tb, direct, m.schema)
			return openStore(tb, pool, opts...)
		},
		Reopen: func(tb testing.TB, s store.Store) store.Store {
			tb.Helper()
			if err := store.Close(s); err != nil {
				tb.Error(err)
			}
			return openStore(tb, pool, opts...)
		},
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
	}
}

// empty deletes all tasks and what belongs to them.
func empty(tb testing.TB, pool *pgxpool.Pool, schema string) {
	tb.Helper()
	for _, table := range []string{
		"task", "ready", "lease", "spent", "cancel", "completed", "failed", "tally", "total", "pause",
	} {
		execute(tb, pool, `DELETE FROM "`+schema+`".`+table)
	}
}

func TestConformance(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) { storetest.RunFull(t, harness(t, mode)) })
	}
}

func TestWalks(t *testing.T) {
	if race.Enabled {
		t.Skip("10,000 steps in each mode")
	}
	for mode := range modes {
		t.Run(mode, func(t *testing.T) { walk.Check(t, harness(t, mode), 100) })
	}
}
