package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

// A testShop is an empty store, and the database that the charges are in.
type testShop struct {
	url    string
	db     *sql.DB
	store  store.Full
	client *firefly.Client
}

var stores = map[string]func(t *testing.T) *testShop{
	"sqlite": func(t *testing.T) *testShop {
		t.Helper()
		path := filepath.Join(t.TempDir(), "shop.db")
		return newTestShop(t, "sqlite://"+path, "sqlite", path)
	},
	"postgres": func(t *testing.T) *testShop {
		t.Helper()
		url := servers.PostgreSQL(t).Database(t)
		return newTestShop(t, url, "pgx", url)
	},
}

func newTestShop(t *testing.T, url, driver, source string) *testShop {
	t.Helper()
	opened, err := open.Store(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	full, _ := store.As[store.Full](opened)
	if err := full.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := firefly.NewClient(full, firefly.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := full.Close(); err != nil {
			t.Error(err)
		}
	})
	return &testShop{url: url, db: db, store: full, client: client}
}

// order schedules n orders.
func (s *testShop) order(t *testing.T, n int) {
	t.Helper()
	calls := make([]firefly.AnyCall, n)
	for i := range calls {
		calls[i] = charge.Call(order{"lamp", 10 + i})
	}
	if err := s.client.ScheduleMany(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
}

// tasks returns all, by name and status.
func (s *testShop) tasks(t *testing.T) (byStatus map[store.Status]int, all []store.Task) {
	t.Helper()
	all, err := s.store.List(t.Context(), store.Filter{}, store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	byStatus = map[store.Status]int{}
	for i := range all {
		byStatus[all[i].Status]++
	}
	return byStatus, all
}

// finish waits until all orders are charged, packed and mailed, by workers that run.
func (s *testShop) finish(t *testing.T) {
	t.Helper()
	for _, name := range []string{charge.Name(), pack.Name(), mail.Name()} {
		tasks, err := s.store.List(t.Context(), store.Filter{Names: []string{name}}, store.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for i := range tasks {
			if err := wait(t, s.client, &tasks[i]); err != nil {
				t.Error(err)
			}
		}
	}
}

func wait(t *testing.T, c *firefly.Client, task *store.Task) error {
	t.Helper()
	if task.Name == charge.Name() {
		_, err := charge.Find(c, task.ID).Wait(t.Context())
		return err
	}
	_, err := pack.Find(c, task.ID).Wait(t.Context())
	return err
}

// done checks that each of n orders was charged once, and packed and mailed.
func (s *testShop) done(t *testing.T, n int) {
	t.Helper()
	var rows, orders int
	if err := s.db.QueryRowContext(t.Context(), "SELECT count(*), count(DISTINCT id) FROM charge").Scan(&rows, &orders); err != nil {
		t.Fatal(err)
	}
	if rows != n || orders != n {
		t.Errorf("%d charges of %d orders, want %d of %d", rows, orders, n, n)
	}
	byStatus, all := s.tasks(t)
	if len(all) != 3*n || byStatus[store.Completed] != 3*n {
		t.Errorf("%d tasks, want %d that are completed: %v", len(all), 3*n, byStatus)
	}
}

func TestOrder(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			ordering := s.start(t, "order", "lamp", "30", "--store", s.url)
			if code, logs := ordering.end(t); code != cli.ExitOK {
				t.Fatalf("exit code %d\n%s", code, logs)
			}
			ordering = s.start(t, "order", "lamp", "cheap")
			if code, logs := ordering.end(t); code != cli.ExitUsage || !strings.Contains(logs, "shop: amount: ") {
				t.Errorf("exit code %d\n%s", code, logs)
			}
			if code, logs := s.start(t, "jobs", "consume", "--drain").end(t); code != cli.ExitOK {
				t.Fatalf("exit code %d\n%s", code, logs)
			}
			s.done(t, 1)
			_, all := s.tasks(t)
			receipt, err := charge.Find(s.client, all[0].ID).Returned(t.Context())
			if want := fmt.Sprintf("receipt %d: a lamp for 30", all[0].ID); err != nil || receipt != want {
				t.Errorf("%q, %v, want %q", receipt, err, want)
			}
		})
	}
}

// A worker that is told to stop finishes what it has begun, and leaves the rest.
func TestTerminated(t *testing.T) {
	const orders = 12
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.order(t, orders)
			worker := s.start(t, "jobs", "consume", "--concurrency", "2", "--grace", "30s")
			worker.await(t, "msg=packing", 1)
			if err := worker.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			code, logs := worker.end(t)
			if code != cli.ExitOK {
				t.Errorf("exit code %d", code)
			}
			begun, finished := strings.Count(logs, "msg=packing"), strings.Count(logs, "msg=packed")
			if begun != finished {
				t.Errorf("%d packings began, %d were finished", begun, finished)
			}
			byStatus, all := s.tasks(t)
			if waiting := byStatus[store.Created]; waiting == 0 || byStatus[store.Completed]+waiting != len(all) {
				t.Errorf("%v of %d tasks, want some that wait, and all others completed", byStatus, len(all))
			}
			for i := range all {
				if all[i].Attempt() != 1 {
					t.Errorf("task %d has used up an attempt", all[i].ID)
				}
			}
			if t.Failed() {
				t.Log(logs)
			}
			if code, logs := s.start(t, "jobs", "consume", "--drain").end(t); code != cli.ExitOK {
				t.Errorf("exit code %d\n%s", code, logs)
			}
			s.done(t, orders)
		})
	}
}

// Workers that are killed, in the middle of charges and of packings, cost the time of their leases,
// and nothing else.
func TestKilled(t *testing.T) {
	const orders = 20
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.order(t, orders)
			for _, at := range []struct {
				text string
				n    int
			}{{"msg=charging", 1}, {"msg=charging", 5}, {"msg=packing", 3}} {
				worker := s.start(t, "jobs", "consume", "--concurrency", "4", "--lease", "1s")
				worker.await(t, at.text, at.n)
				if err := worker.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				worker.end(t)
			}
			last := s.start(t, "jobs", "consume", "--lease", "1s")
			s.finish(t)
			if err := last.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code, logs := last.end(t); code != cli.ExitOK {
				t.Errorf("exit code %d\n%s", code, logs)
			}
			s.done(t, orders)
			_, all := s.tasks(t)
			crashes := 0
			for i := range all {
				crashes += all[i].Crashes
			}
			if crashes == 0 {
				t.Error("no task was running when its worker was killed: the test shows nothing")
			}
		})
	}
}
