package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

func migration(t *testing.T, s store.MigrationReporter) store.Migration {
	t.Helper()
	m, err := s.Migration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func done(m store.Migration) bool { return len(m.Pending) == 0 && m.Script == "" && !m.TooNew }

// Before the first Migrate all is pending, and looking makes nothing. What the script makes is what
// Migrate does.
func TestMigrationFromNothing(t *testing.T) {
	shapes := map[string]string{}
	for how, do := range map[string]func(*postgres.Store, *pgxpool.Pool, string) error{
		"Script":  func(_ *postgres.Store, pool *pgxpool.Pool, script string) error { apply(t, pool, script); return nil },
		"Migrate": func(s *postgres.Store, _ *pgxpool.Pool, _ string) error { return s.Migrate(t.Context()) },
	} {
		pool := openPool(t, servers.PostgreSQL(t).Database(t))
		s := openStore(t, pool)
		m := migration(t, s)
		if m.Have != 0 || m.Want != versions(t) || m.TooNew || len(m.Pending) != 1+m.Want || !strings.Contains(m.Script, "CREATE TABLE") {
			t.Fatalf("have %d, want %d, pending %q, %d bytes of script", m.Have, m.Want, m.Pending, len(m.Script))
		}
		if made := hasSchema(t, pool); made {
			t.Fatal("the look made a schema")
		}
		if err := do(s, pool, m.Script); err != nil {
			t.Fatal(err)
		}
		if m := migration(t, s); m.Have != m.Want || !done(m) {
			t.Errorf("after %s: %+v", how, m)
		}
		shapes[how] = shape(t, pool)
	}
	if shapes["Script"] != shapes["Migrate"] {
		t.Errorf("the script makes\n%s\nMigrate makes\n%s", shapes["Script"], shapes["Migrate"])
	}
}

func hasSchema(t *testing.T, pool *pgxpool.Pool) (there bool) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT to_regnamespace('firefly') IS NOT NULL").Scan(&there); err != nil {
		t.Fatal(err)
	}
	return there
}

func TestMigrationOfANewerDatabase(t *testing.T) {
	s, pool := openFresh(t)
	execute(t, pool, "INSERT INTO firefly.migration (version, oldest) VALUES (99, 1)")
	if m := migration(t, s); m.Have != 99 || m.Want != versions(t) || !done(m) {
		t.Errorf("newer, and fit for use: %+v", m)
	}
	execute(t, pool, "UPDATE firefly.migration SET oldest = 98 WHERE version = 99")
	if m := migration(t, openStore(t, pool)); m.Have != 99 || !m.TooNew || len(m.Pending) > 0 || m.Script != "" {
		t.Errorf("too new: %+v", m)
	}
}

// A role that may not look is told so, once.
func TestMigrationWithoutRights(t *testing.T) {
	address := servers.PostgreSQL(t).Database(t)
	admin := openPool(t, address)
	if err := openStore(t, admin).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, admin, "DROP ROLE IF EXISTS firefly_onlooker; CREATE ROLE firefly_onlooker LOGIN")
	t.Cleanup(func() {
		_, _ = admin.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY firefly_onlooker; DROP ROLE firefly_onlooker")
	})
	onlooker := openPool(t, with(t, address, func(u *url.URL) { u.User = url.User("firefly_onlooker") }))
	refused := func(rights string) {
		t.Helper()
		_, err := openStore(t, onlooker).Migration(t.Context())
		if err == nil || !store.IsDefinite(err) || strings.Count(err.Error(), "lacks a right") != 1 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", rights, err)
		}
	}
	refused("no right at all")
	execute(t, admin, "GRANT USAGE ON SCHEMA firefly TO firefly_onlooker")
	refused("no right to the table")
	execute(t, admin, "GRANT SELECT ON firefly.migration TO firefly_onlooker")
	if m := migration(t, openStore(t, onlooker)); !done(m) {
		t.Errorf("with the right to look: %+v", m)
	}
	if m := migration(t, openStore(t, onlooker, postgres.Schema("none"))); m.Have != 0 || done(m) {
		t.Errorf("no schema yet: %+v", m)
	}
}

func TestMigrationWithoutAServer(t *testing.T) {
	_, err := openStore(t, openPool(t, "postgres://nobody:sesame@127.0.0.1:1/none")).Migration(t.Context())
	if err == nil || !store.IsDefinite(err) || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("error %v", err)
	}
}
