package servers_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestPgBouncer(t *testing.T) {
	p := servers.PostgreSQL(t)
	direct := p.Database(t)
	url := p.PgBouncer(t, direct)
	a, b := connect(t, url), connect(t, url)
	const database, backend = "SELECT current_database()", "SELECT pg_backend_pid()"
	t.Run("it leads to the database", func(t *testing.T) {
		if through, want := ask[string](t, a, database), ask[string](t, connect(t, direct), database); through != want {
			t.Errorf("got %s, want %s", through, want)
		}
	})
	t.Run("it pools by transaction", func(t *testing.T) {
		if one, other := ask[int](t, a, backend), ask[int](t, b, backend); one != other {
			t.Errorf("two idle clients keep the backends %d and %d", one, other)
		}
		do(t, a, "BEGIN")
		do(t, b, "BEGIN")
		one, other := ask[int](t, a, backend), ask[int](t, b, backend)
		if one == other || one != ask[int](t, a, backend) {
			t.Error("a transaction has not got a backend of its own")
		}
		do(t, a, "COMMIT")
		do(t, b, "COMMIT")
	})
}

func TestPgBouncerSurvivesItsServer(t *testing.T) {
	p := servers.NewPostgreSQL(t)
	url := p.PgBouncer(t, p.URL())
	do(t, connect(t, url), "CREATE TABLE mark (id int)")
	p.Kill(t)
	p.Restart(t)
	eventually(t, "it has found its server again", func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return false
		}
		_, err = conn.Exec(t.Context(), "DROP TABLE mark")
		return errors.Join(err, conn.Close(t.Context())) == nil
	})
}
