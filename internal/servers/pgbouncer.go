package servers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// PgBouncer starts a PgBouncer, which pools connections by transaction, for a database of the
// server, and returns the URL through it. It ends with the test.
//
// It needs a binary on this machine. Its name for FIREFLY_TEST_REQUIRE is "pgbouncer".
func (*Postgres) PgBouncer(tb testing.TB, databaseURL string) string {
	tb.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatalf("pgbouncer: %v", err)
	}
	server, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		tb.Fatalf("pgbouncer: %v", err)
	}
	port, end, err := startPgBouncer(func(port int) string { return pgBouncerSettings(server, port) })
	check(tb, "pgbouncer", err)
	tb.Cleanup(func() {
		if err := end(); err != nil {
			tb.Errorf("pgbouncer: %v", err)
		}
	})
	u.Host = address(port)
	query := u.Query()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return u.String()
}

// pgBouncerSettings returns a pgbouncer.ini: on a port, for all databases of a server. A server
// that was killed is tried again after a moment, not after 15 s.
func pgBouncerSettings(server *pgconn.Config, port int) string {
	quote := func(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
	password := ""
	if server.Password != "" { // that '' is an empty value is not known to all versions
		password = " password=" + quote(server.Password)
	}
	return fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s%s
[pgbouncer]
listen_addr = %s
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 200
server_tls_sslmode = prefer
server_login_retry = 0.1
`, quote(server.Host), server.Port, quote(server.User), password, loopback, port)
}
