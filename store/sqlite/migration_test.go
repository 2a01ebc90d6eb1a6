package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

func TestMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := sqlite.Open(t.Context(), path, sqlite.Prefix("mine"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	execute := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	look := func() store.Migration {
		t.Helper()
		m, err := s.Migration(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	tables := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mine%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	opened := look()
	if opened.Have != opened.Want || opened.Have == 0 || len(opened.Pending) > 0 || opened.Script != "" || opened.TooNew {
		t.Fatalf("after Open: %+v", opened)
	}
	whole := tables()

	for _, part := range []string{"VIEW mine_all", "VIEW mine_live", "VIEW mine_done", "TABLE mine_counter", "TABLE mine_task", "TABLE mine_ready", "TABLE mine_lease", "TABLE mine_running",
		"TABLE mine_finished", "TABLE mine_queue", "TABLE mine_schema"} {
		execute("DROP " + part)
	}
	rest := tables()
	gone := look()
	if gone.Have != 0 || gone.Want != opened.Want || len(gone.Pending) != gone.Want || gone.Script == "" || tables() != rest {
		t.Fatalf("without tables: %+v", gone)
	}
	execute("BEGIN;" + gone.Script + "COMMIT")
	if m := look(); m.Have != m.Want || len(m.Pending) > 0 || tables() != whole {
		t.Errorf("after the script: %+v, %d of %d tables", m, tables(), whole)
	}
	if _, err := s.Insert(t.Context(), []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}}); err != nil {
		t.Errorf("insert after the script: %v", err)
	}

	execute("INSERT INTO mine_schema VALUES (99)")
	if m := look(); m.Have != 99 || !m.TooNew || len(m.Pending) > 0 || m.Script != "" {
		t.Errorf("newer: %+v", m)
	}
	if err := s.Migrate(t.Context()); !errors.Is(err, sqlite.ErrSchemaNewer) {
		t.Errorf("Migrate: error %v", err)
	}
}

// A prefix may begin with the default one.
func TestPrefixThatHoldsTheDefault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	for _, prefix := range []string{"firefly_firefly_b", "firefly_b", "firefly"} {
		s, err := sqlite.Open(t.Context(), path, sqlite.Prefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if out, err := s.Insert(t.Context(), []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}}); err != nil || out[0].ID != 1 {
			t.Errorf("%s: %+v, error %v", prefix, out, err)
		}
	}
}
