package open_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

func TestGoodURLs(t *testing.T) {
	for _, url := range []string{
		"memory://",
		"MEMORY://?firefly_retention=48h",
		"sqlite:tasks.db",
		"sqlite://tasks.db?firefly_namespace=jobs&firefly_retention=10m",
		"sqlite:///var/lib/a%20b%3Fc%23d%40e.db",
		"postgres://",
		"postgres:///db?host=/var/run/postgresql&user=u&password=p",
		"postgresql://u:p%40ss%2Fw%25rd@h/db?sslmode=disable&pool_max_conns=7",
		"postgres://u:p@h1:5432,h2,[::1]:5433/db?target_session_attrs=read-write",
		"POSTGRES://h?firefly_namespace=jobs&firefly_retention=24h&firefly_retention_failed=720h&firefly_pooler=true&firefly_notify=false",
		"redis://",
		"redis://:p%23@h:6380/3?pool_size=5&dial_timeout=2s",
		"rediss://u:p@[::1]:6379",
		"redis://h?firefly_replicas=1&firefly_replicas_within=500ms",
		"redis+cluster://u:p@h1,h2:7001,[::1]:7002,[::2]?pool_size=5&firefly_namespace=jobs",
		"rediss+cluster://h/0?addr=h2:6379",
		"redis+sentinel://su:sp@h1,h2:26380/2?master_name=main&username=u&password=p%40",
		"rediss+sentinel://h?master_name=main",
		"mongodb://h",
		"mongodb://h?replicaSet=rs0",
		"mongodb://u:p%2F@h1:27017,h2/tasks?authSource=admin&firefly_retention_failed=1h",
		"mongodb://%2Ftmp%2Fmongodb.sock/tasks",
		"mongodb+srv://u:p@cluster.example.com/tasks",
		"redis://h?firefly%5Fnamespace=jobs&&",
	} {
		if err := open.Check(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestBadURLs(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"", "does not begin with a scheme and ://"},
		{"tasks.db", "does not begin with a scheme"},
		{"hunter2:pw@h/db", "does not begin with a scheme"},
		{"postgres:u@h", "does not begin with a scheme"},
		{"host=h password=hunter_2", "does not begin with a scheme"},
		{"mysql://h/db", `unknown scheme "mysql": use one of memory, sqlite, postgres, postgresql, redis, rediss, redis+cluster,`},
		{"postgres://h/db\n", "line break"},
		{"postgres://u:p/w@h/db", "percent-encode"},
		{"postgres://u:p?w@h/db", "percent-encode"},
		{"postgres://u:p#w@h/db", "percent-encode"},
		{"postgres://u:p@w@h/db", "percent-encode"},
		{"postgres://u:p%w@h/db", `"%" itself as %25`},
		{"postgres://h/%zz", `"%" itself as %25`},
		{"postgres://h/db?user=%", `"%" itself as %25`},
		{"redis://h?password=a&b", "a parameter has no value"},
		{"postgres://u:secret/db", "a port is no number"},
		{"postgres://h:0/db", "a port is no number"},
		{"postgres://h:65536/db", "a port is no number"},
		{"postgres://[::1/db", "a port is no number"},
		{"redis://h,h:x", "a port is no number"},
		{"postgres://h/db?sslmode=some", "sslmode"},
		{"postgres://h/db?sslrootcert=/missing/file", "/missing/file"},
		{"postgres://h/db?pool_max_conns=0", "pool_max_conns"},

		{"memory://tasks", "nothing behind it"},
		{"memory://?x=1", "nothing behind it"},
		{"memory:", "does not begin with a scheme"},
		{"memory://?firefly_namespace=jobs", "open: memory: firefly_namespace is nothing that this store has: use firefly_retention"},
		{"sqlite:", "the file is missing"},
		{"sqlite://?firefly_retention=1h", "the file is missing"},
		{"sqlite::memory:", "memory://"},
		{"sqlite:tasks.db?_pragma=x", "SQLite takes none"},
		{"sqlite://u:p@h/tasks.db", "percent-encode"},
		{"sqlite:t.db?firefly_retention_failed=1h", "nothing that this store has"},
		{"redis://h/x", "database number"},
		{"redis://h/-1", "from 0 to"},
		{"redis://h?pool_size=99999999999", "from 0 to"},
		{"redis://h?max_idle_conns=-3", "from 0 to"},
		{"redis://h?colour=red", "unexpected option: colour"},
		{"redis://h1,h2", "redis+cluster://"},
		{"redis://u:p^w@h", "the password, another secret in the URL"},
		{"redis://h?firefly_replicas=1", "need each other"},
		{"redis://h?firefly_replicas_within=1s", "need each other"},
		{"redis://h?firefly_replicas=0&firefly_replicas_within=0s", "firefly_replicas: give a number from 1 to 255; firefly_replicas_within: give 1ms at least"},
		{"redis+cluster://h1,h2/3", "no databases"},
		{"redis+cluster://h1,,h2", "a host is missing"},
		{"redis+cluster://h1?pool_size=99999999999", "from 0 to"},
		{"redis+sentinel://h1,h2", "master_name is missing"},
		{"redis+sentinel://h?master_name=m&route_randomly=1", "route_randomly"},
		{"redis+sentinel://h?master_name=m&replica_only=1", "replica_only"},
		{"mongodb://", "open: mongodb: "},
		{"mongodb://h/a/b", "names no database"},
		{"mongodb://h/a%2Eb", "names no database"},
		{"mongodb://h?w=-1", `invalid value for "w"`},
		{"mongodb://u@h/?authMechanism=SCRAM-SHA-256", "password required"},
		{"mongodb://u:p:w@h", "malformed"},
		{"mongodb+srv://h:27017", "one host, without a port"},
		{"mongodb+srv://h1,h2", "one host, without a port"},

		{"postgres://h?firefly_colour=red", "unknown parameter firefly_colour: use firefly_namespace, firefly_retention,"},
		{"postgres://h?Firefly_Namespace=jobs", "unknown parameter that begins with firefly_"},
		{"postgres://h?firefly_replicas=1", "nothing that this store has"},
		{"redis://h?firefly_pooler=1", "nothing that this store has"},
		{"mongodb://h?firefly_notify=1", "nothing that this store has"},
		{"postgres://h?firefly_retention=7d", "firefly_retention: it is no duration"},
		{"postgres://h?firefly_retention=", "firefly_retention: it is no duration"},
		{"postgres://h?firefly_retention_failed=1m", "firefly_retention_failed: give 10m0s at least"},
		{"postgres://h?firefly_pooler=maybe", "firefly_pooler: give true or false"},
		{"postgres://h?firefly_pooler=1&firefly_pooler=1", "firefly_pooler is given twice"},
		{"postgres://h?firefly_namespace=", "firefly_namespace: give 1 to 48"},
		{"mongodb://h?firefly_namespace=9a", "firefly_namespace: give 1 to 48"},
	} {
		s, err := open.Store(t.Context(), test.url)
		switch {
		case s != nil || err == nil:
			t.Errorf("%s: no error", test.url)
		case !strings.Contains(err.Error(), test.want):
			t.Errorf("%s: %v, want %q", test.url, err, test.want)
		case !errors.Is(err, store.ErrInvalid):
			t.Errorf("%s: %v is not ErrInvalid", test.url, err)
		case !strings.HasPrefix(err.Error(), "open: ") || strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: %q is not a line of this package", test.url, err)
		}
	}
}

// All faults are reported at once: Firefly's, and the driver's.
func TestAllFaults(t *testing.T) {
	_, err := open.Store(t.Context(), "postgres://h/db?sslmode=some&firefly_colour=1&firefly_replicas=2&firefly_pooler=x&firefly_namespace=A")
	for _, want := range []string{"sslmode", "firefly_colour", "firefly_replicas", "firefly_pooler", "firefly_namespace: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %s", err, want)
		}
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	for _, url := range []string{"memory://", "postgres://h", "redis://h", "mongodb://h", "sqlite:" + filepath.Join(t.TempDir(), "t.db")} {
		if _, err := open.Store(ctx, url); !errors.Is(err, why) {
			t.Errorf("%s: error %v", url, err)
		}
	}
}

func TestDatabaseOfMongoDB(t *testing.T) {
	for url, want := range map[string]string{
		"mongodb://h": "firefly", "mongodb://h/?w=1": "firefly", "mongodb://h/tasks": "tasks", "mongodb+srv://h/%74asks": "tasks",
	} {
		if got, err := open.Database(url); err != nil || got != want {
			t.Errorf("%s: %q, error %v", url, got, err)
		}
	}
}

// Behind a pooler nothing may use named statements. What the URL says of it itself, holds.
func TestPoolerGoesWithoutNamedStatements(t *testing.T) {
	for url, want := range map[string]pgx.QueryExecMode{
		"postgres://h":                     pgx.QueryExecModeCacheStatement,
		"postgres://h?firefly_pooler=true": pgx.QueryExecModeCacheDescribe,
		"postgres://h?firefly_pooler=true&default_query_exec_mode=exec": pgx.QueryExecModeExec,
	} {
		if got, err := open.QueryExecMode(url); err != nil || got != want {
			t.Errorf("%s: %v, error %v", url, got, err)
		}
	}
}

func TestFileThatCannotBeOpened(t *testing.T) {
	_, err := open.Store(t.Context(), "sqlite:"+t.TempDir())
	if err == nil || !strings.HasPrefix(err.Error(), "open: sqlite: open ") || !strings.Contains(err.Error(), "it is a directory") {
		t.Errorf("error %v", err)
	}
}
