package postgres_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// apply runs a script as a migrator would: in one transaction.
func apply(t *testing.T, pool *pgxpool.Pool, script string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// versions is how many versions of the schema there are.
func versions(t *testing.T) int {
	t.Helper()
	folders, err := fs.Glob(os.DirFS("sql"), "[0-9]*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("%d versions, error %v", len(folders), err)
	}
	return len(folders)
}

// A schema made by Script is that of Migrate, which has nothing left to do.
func TestScriptIsTheMigration(t *testing.T) {
	server := servers.PostgreSQL(t)
	shapes := map[string]string{}
	for how, prepare := range map[string]func(pool *pgxpool.Pool){
		"Script": func(pool *pgxpool.Pool) {
			script, err := postgres.Script("firefly", 0)
			if err != nil {
				t.Fatal(err)
			}
			apply(t, pool, script)
		},
		"Migrate": func(*pgxpool.Pool) {},
	} {
		pool := openPool(t, server.Database(t))
		prepare(pool)
		if err := openStore(t, pool).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		shapes[how] = shape(t, pool)
	}
	if shapes["Script"] != shapes["Migrate"] {
		t.Errorf("Script makes\n%s\nMigrate makes\n%s", shapes["Script"], shapes["Migrate"])
	}
	if _, err := postgres.Script("firefly", versions(t)+1); err == nil {
		t.Error("there is a script from a version that does not exist")
	}
}

// shape describes the columns, indexes and functions of a schema.
func shape(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable) FROM information_schema.columns WHERE table_schema = 'firefly'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'firefly'
		UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE pronamespace = 'firefly'::regnamespace
		UNION ALL SELECT concat_ws(' ', version, oldest) FROM firefly.migration
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// From each earlier version, with tasks in every state, an upgrade keeps them all.
func TestUpgrade(t *testing.T) {
	newest, err := postgres.Script("firefly", 0)
	if err != nil {
		t.Fatal(err)
	}
	for from := 1; from <= versions(t); from++ {
		pool := openPool(t, servers.PostgreSQL(t).Database(t))
		rest, err := postgres.Script("firefly", from)
		if err != nil {
			t.Fatal(err)
		}
		// What brings a schema to a version is what is there before the rest.
		first, _, found := strings.Cut(newest, strings.TrimSuffix(rest, "\n"))
		if !found {
			t.Fatalf("the script from version %d is no part of the whole", from)
		}
		apply(t, pool, first+rest)
		s := openStore(t, pool)
		tasks := []store.NewTask{newTask(), newTask(), newTask(), newTask()}
		if _, err := s.Insert(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
		c := newClaim()
		c.Limit = 3
		if _, err := s.ClaimDue(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.Complete(t.Context(), []store.Completion{{ID: tasks[0].ID, Lease: c.Lease}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Fail(t.Context(), []store.Failure{{ID: tasks[1].ID, Lease: c.Lease}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := openStore(t, pool).Get(t.Context(), []int64{tasks[0].ID, tasks[1].ID, tasks[2].ID, tasks[3].ID})
		if err != nil || len(got) != 4 {
			t.Fatalf("%d of 4 tasks are left, error %v", len(got), err)
		}
		for i, want := range []store.Status{store.Completed, store.Failed, store.Running, store.Created} {
			if got[i].Status != want {
				t.Errorf("task %d is %s, want %s", i, got[i].Status, want)
			}
		}
	}
}
