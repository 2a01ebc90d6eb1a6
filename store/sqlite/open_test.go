package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

func TestBadFilesAreExplained(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, dir string) (path string)
		opts    []sqlite.Option
		want    string
	}{
		"a directory": {want: "it is a directory", prepare: func(_ *testing.T, dir string) string { return dir }},
		"no such directory": {want: "its directory", prepare: func(_ *testing.T, dir string) string {
			return filepath.Join(dir, "missing", "tasks.db")
		}},
		"no database": {want: "damaged, or no SQLite database", prepare: func(t *testing.T, dir string) string {
			t.Helper()
			return writeFile(t, dir, strings.Repeat("this is no database. ", 500))
		}},
		"damaged": {want: "damaged, or no SQLite database", prepare: func(t *testing.T, dir string) string {
			t.Helper()
			path := filepath.Join(dir, "tasks.db")
			closeStore(t, doors["Open"](t, path))
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 100; i < len(whole); i++ {
				whole[i] = 0xff
			}
			return writeFile(t, dir, string(whole))
		}},
		"of a newer release": {want: "schema version 99", prepare: func(t *testing.T, dir string) string {
			t.Helper()
			path := filepath.Join(dir, "tasks.db")
			closeStore(t, doors["Open"](t, path))
			execute(t, path, "INSERT INTO firefly_schema VALUES (99)")
			return path
		}},
		"locked by another program": {want: "another program holds the file's write lock",
			opts: []sqlite.Option{sqlite.BusyTimeout(50 * time.Millisecond)},
			prepare: func(t *testing.T, dir string) string {
				t.Helper()
				path := filepath.Join(dir, "tasks.db")
				closeStore(t, doors["Open"](t, path))
				db := openDB(t, path)
				conn, err := db.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
					t.Fatal(err)
				}
				return path
			}},
		"a bad prefix": {want: "prefix", opts: []sqlite.Option{sqlite.Prefix("x; drop")}, prepare: func(_ *testing.T, dir string) string {
			return filepath.Join(dir, "tasks.db")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := test.prepare(t, t.TempDir())
			s, err := sqlite.Open(t.Context(), path, test.opts...)
			if s != nil || err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v, want one line with %q", err, test.want)
			}
		})
	}
}

func writeFile(t *testing.T, dir, content string) string {
	t.Helper()
	path := filepath.Join(dir, "content.db")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func closeStore(t *testing.T, s *sqlite.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func openDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(full)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	if _, err := openDB(t, path).ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func newTask() store.NewTask {
	return store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: []byte(strings.Repeat("x", 1000))}
}

func TestReadOnlyDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	closeStore(t, doors["Open"](t, path))
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := sqlite.New(t.Context(), db); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Fatalf("error %v", err)
	}
}

func TestOneConnectionIsTooFew(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "tasks.db"))
	db.SetMaxOpenConns(1)
	if _, err := sqlite.New(t.Context(), db); err == nil || !strings.Contains(err.Error(), "allow two at least") {
		t.Fatalf("error %v", err)
	}
}

// A full disk refuses for certain, and the store works on when there is room again.
func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	s := doors["Open"](t, path)
	defer closeStore(t, s)
	setPages := func(n string) {
		t.Helper()
		a, ctx := attempt(t.Context(), s, time.Hour)
		h, err := sqlite.Tx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ExecContext(t.Context(), "PRAGMA max_page_count = "+n); err != nil {
			t.Fatal(err)
		}
		if err := a.End().Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	setPages("1")
	tasks := make([]store.NewTask, 200)
	for i := range tasks {
		tasks[i] = newTask()
	}
	_, err := s.Insert(t.Context(), tasks)
	if err == nil || !store.IsDefinite(err) || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("error %v, want a definite one that says so", err)
	}
	setPages("100000")
	if _, err := s.Insert(t.Context(), tasks); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	all, err := s.List(t.Context(), store.Filter{}, store.Page{Limit: 1000})
	if err != nil || len(all) != len(tasks) {
		t.Fatalf("%d tasks, error %v", len(all), err)
	}
}

func TestMigrateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if _, err := s.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
				t.Errorf("insert: %v", err)
			}
			closeStore(t, s)
		})
	}
	wg.Wait()
	s := doors["Open"](t, path)
	defer closeStore(t, s)
	all, err := s.List(t.Context(), store.Filter{}, store.Page{})
	if err != nil || len(all) != 8 {
		t.Fatalf("%d tasks, error %v", len(all), err)
	}
}

// What is kept for a time only is deleted with the claims after it.
func TestRetention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	var offset atomic.Int64
	s := doors["Open"](t, path, sqlite.Retention(time.Hour), sqlite.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
	defer closeStore(t, s)
	claim := func() []store.Task {
		t.Helper()
		tasks, err := s.ClaimDue(t.Context(), store.Claim{
			Queues: []string{"q"}, Names: []string{"n"}, Limit: 1, Lease: store.NewLeaseID(), For: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		return tasks
	}
	tasks := []store.NewTask{newTask(), newTask()}
	if _, err := s.Insert(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	task := claim()[0]
	if err := s.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		after  time.Duration
		tasks  int
		leases int
	}{{30 * time.Minute, 2, 2}, {2 * time.Hour, 1, 2}} {
		offset.Store(int64(test.after))
		claim() // takes back what the one before held
		claim()
		found, err := s.Get(t.Context(), []int64{tasks[0].ID, tasks[1].ID})
		if err != nil || len(found) != test.tasks {
			t.Errorf("after %s there are %d tasks, want %d; error %v", test.after, len(found), test.tasks, err)
		}
		var leases int
		if err := openDB(t, path).QueryRowContext(t.Context(), "SELECT count(*) FROM firefly_lease").Scan(&leases); err != nil {
			t.Fatal(err)
		}
		if leases != test.leases {
			t.Errorf("after %s %d leases are kept, want %d", test.after, leases, test.leases)
		}
	}
	counts, err := s.Counts(t.Context())
	if err != nil || len(counts) != 1 || counts[0].Completed != 0 || counts[0].Running != 1 {
		t.Errorf("counts %+v, error %v", counts, err)
	}
}

func TestPrefixesAreApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	a, b := doors["Open"](t, path, sqlite.Prefix("a")), doors["Open"](t, path, sqlite.Prefix("b"))
	defer closeStore(t, a)
	defer closeStore(t, b)
	if _, err := a.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
		t.Fatal(err)
	}
	if all, err := b.List(t.Context(), store.Filter{}, store.Page{}); err != nil || len(all) != 0 {
		t.Fatalf("%d tasks behind the other prefix, error %v", len(all), err)
	}
}

func TestInApplicationsTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.db")
	db := openDB(t, path)
	s, err := sqlite.New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	for _, commit := range []bool{true, false} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		tasks := []store.NewTask{newTask()}
		if _, err := s.In(tx).Insert(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
		if commit {
			err = tx.Commit()
		} else {
			err = tx.Rollback()
		}
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Get(t.Context(), []int64{tasks[0].ID})
		if err != nil || (len(found) == 1) != commit {
			t.Fatalf("committed %t, found %d, error %v", commit, len(found), err)
		}
	}
	counts, err := s.Counts(t.Context())
	if err != nil || len(counts) != 1 || counts[0].Created != 1 {
		t.Fatalf("counts %+v, error %v", counts, err)
	}

	loose, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(off)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer loose.Close()
	tx, err := loose.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := s.In(tx).Insert(t.Context(), []store.NewTask{newTask()}); err == nil || !strings.Contains(err.Error(), "synchronous") {
		t.Fatalf("in a transaction that may be lost: %v", err)
	}
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(runner(func() int { return crash.Main(m, openForCrash) }))
}

// A runner is the tests, or the worker process that they started.
type runner func() int

func (r runner) Run() int { return r() }

// attempt returns an attempt on s whose lease lasts that long, and a handler's context for it.
func attempt(ctx context.Context, s store.Store, lasts time.Duration) (*store.Attempt, context.Context) {
	a := store.NewAttempt(ctx, s, store.NewLeaseID(), lasts)
	return a, store.WithAttempt(ctx, a)
}

func TestHandlersTransactionHasALimit(t *testing.T) {
	s := doors["Open"](t, filepath.Join(t.TempDir(), "tasks.db"))
	defer closeStore(t, s)
	a, ctx := attempt(t.Context(), s, 300*time.Millisecond)
	tx, err := sqlite.Tx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE effect (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	// Another write waits for the lock, and gets it when the time is up.
	if _, err := s.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
		t.Fatalf("a write behind a transaction that was too long: %v", err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO effect VALUES (1)"); !errors.Is(err, sqlite.ErrTxTooLong) {
		t.Errorf("a statement past the limit: %v", err)
	}
	if err := tx.QueryRowContext(ctx, "SELECT 1").Scan(new(int)); !errors.Is(err, sqlite.ErrTxTooLong) && !errors.Is(err, context.Canceled) {
		t.Errorf("a query past the limit: %v", err)
	}
	if err := a.End().Commit(t.Context()); !errors.Is(err, sqlite.ErrTxTooLong) || !store.IsDefinite(err) {
		t.Errorf("the commit past the limit: %v", err)
	}
}

func TestWriteBesideTheOwnTransaction(t *testing.T) {
	s := doors["Open"](t, filepath.Join(t.TempDir(), "tasks.db"))
	defer closeStore(t, s)
	a, ctx := attempt(t.Context(), s, time.Minute)
	if _, err := sqlite.Tx(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Insert(ctx, []store.NewTask{newTask()}); !errors.Is(err, sqlite.ErrBesideTx) || !store.IsDefinite(err) {
		t.Errorf("a write beside the transaction: %v", err)
	}
	if _, err := s.Counts(ctx); err != nil {
		t.Errorf("a read beside the transaction: %v", err)
	}
	if err := a.End().Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Insert(ctx, []store.NewTask{newTask()}); err != nil {
		t.Errorf("a write after the transaction: %v", err)
	}
	if _, err := sqlite.Tx(t.Context()); !errors.Is(err, store.ErrNoAttempt) {
		t.Errorf("outside of a handler: %v", err)
	}
}
