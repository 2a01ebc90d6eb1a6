package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// A shop is an application: a store, and a table of its own in the same database.
type shop struct {
	*testing.T
	pool   *pgxpool.Pool
	store  *postgres.Store
	client *firefly.Client
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s, pool := openFresh(t)
	execute(t, pool, "CREATE TABLE effect (note text NOT NULL)")
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{t, pool, s, client}
}

// work runs a worker until the test ends.
func (s *shop) work(config firefly.WorkerConfig, handlers ...firefly.Handler) {
	s.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	w, err := firefly.NewWorker(s.store, config, handlers...)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	})
}

// effects returns the notes that were committed.
func (s *shop) effects() []string {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), "SELECT note FROM effect ORDER BY note")
	if err != nil {
		s.Fatal(err)
	}
	notes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.Fatal(err)
	}
	return notes
}

// write adds a note through the handler's own transaction.
func write(ctx context.Context, note string) error {
	tx, err := postgres.Tx(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO effect VALUES ($1)", note)
	return err
}

// waitFor waits for the end of a task, and returns it.
func waitFor[R any](s *shop, h *firefly.Handle[R]) *store.Task {
	s.Helper()
	_, err := h.Wait(s.Context())
	var failed *firefly.TaskError
	if err != nil && !errors.As(err, &failed) {
		s.Fatal(err)
	}
	return s.task(h.ID())
}

func (s *shop) task(id int64) *store.Task {
	s.Helper()
	tasks, err := s.store.Get(s.Context(), []int64{id})
	if err != nil || len(tasks) != 1 {
		s.Fatalf("get of task %d: %d tasks, error %v", id, len(tasks), err)
	}
	return &tasks[0]
}

// An application's row and the task about it are one transaction, by whichever driver.
func TestApplicationTransaction(t *testing.T) {
	for driver, schedule := range map[string]func(s *shop, task firefly.Task[string, string], end error) (*firefly.Handle[string], error){
		"pgx": func(s *shop, task firefly.Task[string, string], end error) (h *firefly.Handle[string], err error) {
			err = pgx.BeginFunc(s.Context(), s.pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(s.Context(), "INSERT INTO effect VALUES ('order')"); err != nil {
					return err
				}
				h, err = task.Schedule(s.Context(), s.client.In(s.store.In(tx)), "order")
				return errors.Join(err, end)
			})
			return h, err
		},
		"database/sql": func(s *shop, task firefly.Task[string, string], end error) (*firefly.Handle[string], error) {
			db, err := sql.Open("pgx", s.pool.Config().ConnString())
			if err != nil {
				return nil, err
			}
			defer db.Close()
			tx, err := db.BeginTx(s.Context(), nil)
			if err != nil {
				return nil, err
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(s.Context(), "INSERT INTO effect VALUES ('order')"); err != nil {
				return nil, err
			}
			h, err := task.Schedule(s.Context(), s.client.In(s.store.InSQL(tx)), "order",
				firefly.Unique(`it's {"quoted\", NULL}`))
			if err := errors.Join(err, end); err != nil {
				return h, err
			}
			return h, tx.Commit()
		},
	} {
		t.Run(driver, func(t *testing.T) {
			s := newShop(t)
			task := firefly.Declare[string, string]("shop.order")
			changedMind := errors.New("changed its mind")
			if _, err := schedule(s, task, changedMind); !errors.Is(err, changedMind) {
				t.Fatal(err)
			}
			counts, err := s.store.Counts(t.Context())
			if notes := s.effects(); len(notes) != 0 || len(counts) != 0 || err != nil {
				t.Fatalf("after the rollback there are the rows %q and the tasks %+v, error %v", notes, counts, err)
			}
			h, err := schedule(s, task, nil)
			if err != nil {
				t.Fatal(err)
			}
			if notes := s.effects(); len(notes) != 1 || s.task(h.ID()).Status != store.Created {
				t.Fatalf("after the commit there are the rows %q and the task is %s", notes, s.task(h.ID()).Status)
			}
			s.work(firefly.WorkerConfig{}, task.Handle(func(_ context.Context, in string) (string, error) { return in + " paid", nil }))
			if got, err := h.Wait(t.Context()); err != nil || got != "order paid" {
				t.Fatalf("the task returned %q, error %v", got, err)
			}
		})
	}
}

// A handler's writes, its completion and its child are one transaction; a run that ends in any
// other way leaves nothing.
func TestHandlerTransaction(t *testing.T) {
	child := firefly.Declare[string, firefly.None]("shop.mail")
	for how, test := range map[string]struct {
		end  func(ctx context.Context) error
		want store.Status
	}{
		"nil":       {want: store.Completed, end: func(context.Context) error { return nil }},
		"an error":  {want: store.Failed, end: func(context.Context) error { return errors.New("no") }},
		"a panic":   {want: store.Failed, end: func(context.Context) error { panic("no") }},
		"a timeout": {want: store.Failed, end: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		"a statement that fails": {want: store.Failed, end: func(ctx context.Context) error {
			tx, err := postgres.Tx(ctx)
			if err == nil {
				_, err = tx.Exec(ctx, "SELECT 1/0")
			}
			if err == nil {
				err = errors.New("the division went well")
			}
			_ = err // the handler takes no notice, but its transaction is over
			return nil
		}},
	} {
		t.Run(how, func(t *testing.T) {
			s := newShop(t)
			task := firefly.Define("shop.order", func(ctx context.Context, in string) (string, error) {
				if err := write(ctx, in); err != nil {
					return "", err
				}
				if _, err := child.Schedule(ctx, s.client, in); err != nil {
					return "", err
				}
				return in, test.end(ctx)
			}, firefly.Timeout(200*time.Millisecond))
			h, err := task.Schedule(t.Context(), s.client, "order")
			if err != nil {
				t.Fatal(err)
			}
			s.work(firefly.WorkerConfig{}, task)
			if got := waitFor(s, h); got.Status != test.want {
				t.Fatalf("the task is %s with errors %v, want %s", got.Status, got.Errors, test.want)
			}
			want := 0
			if test.want == store.Completed {
				want = 1
			}
			children, err := s.store.List(t.Context(), store.Filter{Names: []string{child.Name()}}, store.Page{})
			if notes := s.effects(); err != nil || len(notes) != want || len(children) != want {
				t.Errorf("there are %d rows and %d children, error %v, want %d of each", len(notes), len(children), err, want)
			}
		})
	}
}

// Of two attempts at a task, the first of which is cut off past its lease, one leaves an effect.
func TestTwoAttemptsOneEffect(t *testing.T) {
	s := newShop(t)
	id, err := s.store.Insert(t.Context(), []store.NewTask{newTask()})
	if err != nil {
		t.Fatal(err)
	}
	claim := func(lasts time.Duration) *store.Attempt {
		t.Helper()
		c := newClaim()
		c.For = lasts
		for {
			tasks, err := s.store.ClaimDue(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if len(tasks) == 1 {
				return store.NewAttempt(t.Context(), s.store, c.Lease, lasts)
			}
			c.Lease = store.NewLeaseID()
		}
	}
	complete := func(a *store.Attempt) error {
		tx := a.End()
		lease, _ := a.Lease()
		err := tx.Complete(t.Context(), []store.Completion{{ID: id[0].ID, Lease: lease}})
		return errors.Join(err, tx.Commit(t.Context()))
	}
	zombie := claim(time.Millisecond)
	if err := write(zombie.Context(), "zombie"); err != nil {
		t.Fatal(err)
	}
	holder := claim(time.Minute)
	if err := write(holder.Context(), "holder"); err != nil {
		t.Fatal(err)
	}
	if err := complete(zombie); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("the attempt that lost its lease ended with %v", err)
	}
	if err := complete(holder); err != nil {
		t.Errorf("the attempt that holds the lease ended with %v", err)
	}
	if notes := s.effects(); len(notes) != 1 || notes[0] != "holder" {
		t.Errorf("the effects are %q", notes)
	}
}

// A process that is stopped between a completion and its commit, or whose machine has vanished, does
// not keep the lease's other tasks from being taken back for longer than some seconds.
func TestStuckCommitPinsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the server to give up on a session")
	}
	s := newShop(t)
	tasks := []store.NewTask{newTask(), newTask(), newTask()}
	if _, err := s.store.Insert(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	c := newClaim()
	c.For = 100 * time.Millisecond
	if _, err := s.store.ClaimDue(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stuck, err := s.store.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := []store.Completion{{ID: tasks[0].ID, Lease: c.Lease}}
	if err := stuck.Complete(t.Context(), done); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	got, deadline := 0, time.After(patience)
	for got < len(tasks) {
		claimed, err := s.store.ClaimDue(t.Context(), newClaim())
		if err != nil {
			t.Fatal(err)
		}
		got += len(claimed)
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("after %s, %d of %d tasks were taken back", patience, got, len(tasks))
		}
	}
	if err := stuck.Commit(t.Context()); err == nil {
		t.Error("the stuck transaction was committed")
	}
	_ = stuck.Rollback(t.Context())
	release := []store.Rescheduling{{ID: tasks[0].ID, Lease: c.Lease, Kind: store.Release}}
	if err := s.store.Reschedule(t.Context(), release); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("a release by the stuck process: %v", err)
	}
}

// Handlers that use up every connection of the application's pool keep nobody from extending
// leases and settling: the store has its own.
func TestHandlersUseUpThePool(t *testing.T) {
	config, err := pgxpool.ParseConfig(servers.PostgreSQL(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &shop{T: t, pool: pool, store: openStore(t, pool)}
	if err := s.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, pool, "CREATE TABLE effect (note text NOT NULL)")
	if s.client, err = firefly.NewClient(s.store, firefly.ClientConfig{}); err != nil {
		t.Fatal(err)
	}
	const tasks, lease = 100, 300 * time.Millisecond
	task := firefly.Define("shop.order", func(ctx context.Context, in string) (firefly.None, error) {
		err := write(ctx, in)
		<-time.After(lease / tasks * 3) // so all of them take longer than a lease
		return firefly.None{}, err
	})
	calls := make([]*firefly.Call[firefly.None], tasks)
	all := make([]firefly.AnyCall, tasks)
	for i := range calls {
		calls[i] = task.Call("order")
		all[i] = calls[i]
	}
	if err := s.client.ScheduleMany(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	s.work(firefly.WorkerConfig{Concurrency: tasks, Lease: lease}, task)
	for _, call := range calls {
		if got := waitFor(s, call.Handle()); got.Status != store.Completed || got.Crashes != 0 {
			t.Fatalf("task %d is %s after %d crashes, errors %v", got.ID, got.Status, got.Crashes, got.Errors)
		}
	}
	if notes := s.effects(); len(notes) != tasks {
		t.Errorf("%d effects of %d tasks", len(notes), tasks)
	}
}

func newTask() store.NewTask {
	return store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: []byte(`1`)}
}

func newClaim() store.Claim {
	return store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: 10, Lease: store.NewLeaseID(), For: time.Minute, Worker: "w"}
}
