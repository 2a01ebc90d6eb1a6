package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// patience bounds the wait for what should come at once.
const patience = 30 * time.Second

// hears waits for hints to the queue "q" while it does something again and again.
func hears(t *testing.T, s *postgres.Store, again func(), enough func(store.Hint) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hints := make(chan store.Hint)
	go func() {
		for ctx.Err() == nil {
			if hint, err := s.Wait(ctx, []string{"q"}); err == nil {
				select {
				case hints <- hint:
				case <-ctx.Done():
				}
			}
		}
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		again()
		select {
		case hint := <-hints:
			if enough(hint) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("nothing was heard within %s", patience)
		case <-tick.C:
		}
	}
}

func anyHint(store.Hint) bool { return true }

// What one process schedules, or cancels, another one hears, also after its connection was cut.
func TestProcessesHearEachOther(t *testing.T) {
	pool := openPool(t, servers.PostgreSQL(t).Database(t))
	here, there := openStore(t, pool), openStore(t, pool)
	if err := here.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert := func() {
		if _, err := there.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
			t.Fatal(err)
		}
	}
	hears(t, here, insert, anyHint)

	var cancelled []int64
	hears(t, here, func() {
		insert()
		tasks, err := there.ClaimDue(t.Context(), newClaim())
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if _, err := there.Cancel(t.Context(), store.Filter{IDs: []int64{task.ID}}, 0); err != nil {
				t.Fatal(err)
			}
			cancelled = append(cancelled, task.ID)
		}
	}, func(hint store.Hint) bool {
		return slices.ContainsFunc(hint.Cancelled, func(id int64) bool { return slices.Contains(cancelled, id) })
	})

	const listeners = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`
	execute(t, pool, listeners)
	hears(t, here, insert, anyHint)
}

// Tasks of the application's own transaction are heard of when it has committed.
func TestHearsTheApplicationCommit(t *testing.T) {
	pool := openPool(t, servers.PostgreSQL(t).Database(t))
	here, there := openStore(t, pool), openStore(t, pool)
	if err := here.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	hears(t, here, func() {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := there.In(tx).Insert(t.Context(), []store.NewTask{newTask()})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}, anyHint)
}

// Without notifications there is no connection that listens.
func TestNobodyListens(t *testing.T) {
	for name, opt := range map[string]postgres.Option{"Pooler": postgres.Pooler(), "Notify off": postgres.Notify(false)} {
		t.Run(name, func(t *testing.T) {
			s, pool := openFresh(t, opt)
			hears(t, s, func() {
				if _, err := s.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
					t.Fatal(err)
				}
			}, anyHint)
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
