package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
)

// unprepared returns the URLs of databases in which nothing was made yet.
func unprepared() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"postgres": func(t *testing.T) string { t.Helper(); return servers.PostgreSQL(t).Database(t) },
		"mongo":    mongoURL,
	}
}

func TestMigrateUpToDate(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		t.Helper()
		m, err := s.store.Migration(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		needs := "the database has version 1, and this program needs 1"
		status := needs + "\nnothing is pending\n"
		if m.Want == 0 {
			needs = "this store needs nothing made before it is used"
			status = needs + "\n"
		}
		if got := s.ok(t, "migrate", "status"); got != status {
			t.Errorf("status: %s", got)
		}
		if got := s.ok(t, "migrate", "up"); got != "nothing to do: "+strings.TrimPrefix(needs, "nothing to do: ")+"\n" {
			t.Errorf("up: %s", got)
		}
		if r := s.run(t, "migrate", "print"); r.code != cli.ExitOK || r.stdout != "" || r.stderr != "nothing to do\n" {
			t.Errorf("print: %+v", r)
		}
	})
}

// A database is looked at, migrated and looked at again.
func TestMigrate(t *testing.T) {
	for name, url := range unprepared() {
		t.Run(name, func(t *testing.T) {
			s := &shell{config: cli.Config{URL: url(t)}}
			r := s.fails(t, cli.ExitPending, `the database is not up to date: run "firefly migrate up"`, "migrate", "status")
			if !strings.HasPrefix(r.stdout, "the database has version 0, and this program needs 1\npending:\n  ") {
				t.Errorf("status: %s", r.stdout)
			}
			r = s.fails(t, cli.ExitPending, "run", "migrate", "status", "-o", "json")
			var m store.Migration
			if err := json.Unmarshal([]byte(r.stdout), &m); err != nil || m.Have != 0 || m.Want != 1 || len(m.Pending) == 0 || m.Script != "" {
				t.Errorf("status: error %v in %s", err, r.stdout)
			}
			pending := strings.Join(m.Pending, "\n  ")
			if got := s.ok(t, "migrate", "up"); got != "migrated from version 0 to 1:\n  "+pending+"\n" {
				t.Errorf("up: %s", got)
			}
			s.ok(t, "migrate", "status")
			if got := s.ok(t, "migrate", "up", "-o", "json"); got != "{\n  \"from\": 1,\n  \"to\": 1\n}\n" {
				t.Errorf("up again: %s", got)
			}
			if got := s.ok(t, "queues", "list", "-o", "json"); got != "[]\n" {
				t.Errorf("then: %s", got)
			}
		})
	}
}

func onPostgres(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// What is printed can be applied by hand, and is all that it takes.
func TestMigratePrint(t *testing.T) {
	url := servers.PostgreSQL(t).Database(t)
	s := &shell{config: cli.Config{URL: url}}
	var m store.Migration
	if err := json.Unmarshal([]byte(s.ok(t, "migrate", "print", "-o", "json")), &m); err != nil || len(m.Pending) == 0 {
		t.Errorf("%+v, error %v", m, err)
	}
	script := s.ok(t, "migrate", "print")
	if script != m.Script {
		t.Errorf("as text it is\n%s\nas JSON\n%s", script, m.Script)
	}
	onPostgres(t, url, script)
	s.ok(t, "migrate", "status")
	s.ok(t, "queues", "pause", "mail")
}

func TestMigrateNewerDatabase(t *testing.T) {
	url := servers.PostgreSQL(t).Database(t)
	s := &shell{config: cli.Config{URL: url}}
	s.ok(t, "migrate", "up")
	onPostgres(t, url, "INSERT INTO firefly.migration (version, oldest) VALUES (99, 99)")
	newer := "the database is of a newer release, which this program cannot work with: update the program"
	r := s.fails(t, cli.ExitFailed, newer, "migrate", "status")
	if r.stdout != "the database has version 99, and this program needs 1\n" {
		t.Error(r.stdout)
	}
	s.fails(t, cli.ExitFailed, newer, "migrate", "print")
	s.fails(t, cli.ExitFailed, "update this program", "migrate", "up")
}

// A deployment that forgot a word does not go on as if it had migrated.
func TestMigrateWrongUsage(t *testing.T) {
	s := onSQLite(t)
	s.fails(t, cli.ExitUsage, `say what: up, status or print: see "firefly migrate --help"`, "migrate")
	s.fails(t, cli.ExitUsage, `unknown command "now" for "firefly migrate"`, "migrate", "now")
	s.fails(t, cli.ExitUsage, `unexpected argument "now"`, "migrate", "up", "now")
}

type migrating struct {
	bare
	store.Migrator
}

// A scriptless store tells what is pending, but has no text for it.
type scriptless struct{ migrating }

func (scriptless) Migration(context.Context) (store.Migration, error) {
	return store.Migration{Have: 1, Want: 2, Pending: []string{"bucket of version 2"}}, nil
}

func TestMigrateOnABareStore(t *testing.T) {
	s := onSQLite(t)
	base := bare{s.store}
	s.config.Store = base
	s.fails(t, cli.ExitFailed, "cli_test.bare does not support Migrator", "migrate", "up")

	s.config.Store = migrating{base, s.store}
	if got := s.ok(t, "migrate", "up"); got != "the database is up to date\n" {
		t.Error(got)
	}
	if got := s.ok(t, "migrate", "up", "-o", "json"); got != "{}\n" {
		t.Error(got)
	}
	s.fails(t, cli.ExitFailed, `does not support MigrationReporter: "firefly migrate up" needs no report`, "migrate", "status")

	s.config.Store = scriptless{migrating{base, s.store}}
	s.fails(t, cli.ExitFailed, `this store has no statements to apply by hand: run "firefly migrate up"`, "migrate", "print")
	if got := s.ok(t, "migrate", "up"); got != "migrated from version 1 to 2:\n  bucket of version 2\n" {
		t.Error(got)
	}
}
