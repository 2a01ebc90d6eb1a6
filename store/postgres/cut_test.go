package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// behindProxy returns a store whose connections can be cut, and one beside it.
func behindProxy(t *testing.T) (cutOff, direct *postgres.Store, pool *pgxpool.Pool, proxy *cut.Proxy) {
	t.Helper()
	address := servers.PostgreSQL(t).Database(t)
	direct = openStore(t, openPool(t, address))
	if err := direct.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy = cut.New(t, u.Host)
	u.Host = proxy.Addr()
	pool = openPool(t, u.String())
	return openStore(t, pool, postgres.Notify(false)), direct, pool, proxy
}

// cutDuring makes a call whose connection is cut, and reports whether it failed in doubt.
func cutDuring(t *testing.T, proxy *cut.Proxy, m cut.Moment, call func() error) (doubt bool) {
	t.Helper()
	before := proxy.Cuts()
	proxy.CutNext(m)
	err := call()
	if proxy.Cuts() == before {
		t.Fatal("nothing was cut")
	}
	if err == nil {
		t.Fatal("the call succeeded, though its connection was cut")
	}
	return !store.IsDefinite(err)
}

var moments = map[string]cut.Moment{"request": cut.Request, "reply": cut.Reply}

// Calls that are cut off are in doubt, and repeated as they are they end as one call would.
func TestCutCalls(t *testing.T) {
	for name, moment := range moments {
		t.Run(name, func(t *testing.T) {
			s, direct, _, proxy := behindProxy(t)
			expect := func(id int64, want store.Status, why string) {
				t.Helper()
				tasks, err := direct.Get(t.Context(), []int64{id})
				if err != nil || len(tasks) != 1 || tasks[0].Status != want {
					t.Fatalf("%s: tasks %+v, error %v, want one that is %s", why, tasks, err, want)
				}
			}
			again := func(what string, call func() error) {
				t.Helper()
				if err := call(); err != nil { // so that its statement is known, and a connection open
					t.Fatalf("%s: %v", what, err)
				}
			}
			insert := func(tasks []store.NewTask) func() error {
				return func() error { _, err := s.Insert(t.Context(), tasks); return err }
			}
			again("insert", insert([]store.NewTask{newTask()}))
			tasks := []store.NewTask{newTask(), newTask(), newTask(), newTask()}
			if !cutDuring(t, proxy, moment, insert(tasks)) {
				t.Error("an insertion that was cut off is not in doubt")
			}
			again("insert again", insert(tasks))
			counts, err := direct.Counts(t.Context())
			if err != nil || len(counts) != 1 || counts[0].Created != 5 {
				t.Fatalf("%+v, error %v: want 5 tasks, 4 of them inserted twice", counts, err)
			}

			c := newClaim()
			var claimed []store.Task
			claim := func() (err error) { claimed, err = s.ClaimDue(t.Context(), c); return err }
			warm := newClaim()
			warm.Queues = []string{"other"}
			if _, err := s.ClaimDue(t.Context(), warm); err != nil {
				t.Fatal(err)
			}
			if !cutDuring(t, proxy, moment, claim) {
				t.Error("a claim that was cut off is not in doubt")
			}
			again("claim again", claim)
			if len(claimed) != 5 {
				t.Fatalf("the repeated claim returned %d tasks, want 5", len(claimed))
			}

			settle := func(what string, call func(task store.Task) error, want store.Status) {
				t.Helper()
				again(what, func() error { return call(claimed[0]) })
				claimed = claimed[1:]
				task := claimed[0]
				claimed = claimed[1:]
				if !cutDuring(t, proxy, moment, func() error { return call(task) }) {
					t.Errorf("%s that was cut off is not in doubt", what)
				}
				again(what+" again", func() error { return call(task) })
				expect(task.ID, want, what)
			}
			settle("complete", func(task store.Task) error {
				return s.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}})
			}, store.Completed)
			settle("fail", func(task store.Task) error {
				return s.Fail(t.Context(), []store.Failure{{ID: task.ID, Lease: task.Lease}})
			}, store.Failed)
			last := claimed[0]
			release := func() error {
				return s.Reschedule(t.Context(), []store.Rescheduling{{ID: last.ID, Lease: last.Lease, Kind: store.Release}})
			}
			_ = cutDuring(t, proxy, moment, release) // its statement is new: it may not have been sent
			if err := release(); err != nil && !errors.Is(err, store.ErrLeaseLost) {
				t.Fatalf("a release repeated: %v", err)
			}
			expect(last.ID, store.Created, "release")
		})
	}
}

// A handler's transaction whose commit is cut off is in doubt, and a release outside of it finds
// out: accepted, there is no effect; refused, there is one.
func TestCutCommit(t *testing.T) {
	for name, moment := range moments {
		t.Run(name, func(t *testing.T) {
			s, direct, pool, proxy := behindProxy(t)
			execute(t, pool, "CREATE TABLE effect (note text)")
			if _, err := direct.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
				t.Fatal(err)
			}
			c := newClaim()
			tasks, err := direct.ClaimDue(t.Context(), c)
			if err != nil || len(tasks) != 1 {
				t.Fatalf("claimed %d tasks, error %v", len(tasks), err)
			}
			a := store.NewAttempt(t.Context(), s, c.Lease, c.For)
			if err := write(a.Context(), "effect"); err != nil {
				t.Fatal(err)
			}
			tx := a.End()
			if err := tx.Complete(t.Context(), []store.Completion{{ID: tasks[0].ID, Lease: c.Lease}}); err != nil {
				t.Fatal(err)
			}
			if !cutDuring(t, proxy, moment, func() error { return tx.Commit(t.Context()) }) {
				t.Error("a commit that was cut off is not in doubt")
			}
			_ = tx.Rollback(t.Context())
			released := direct.Reschedule(t.Context(), []store.Rescheduling{{ID: tasks[0].ID, Lease: c.Lease, Kind: store.Release}})
			var effects int
			if err := pool.QueryRow(context.WithoutCancel(t.Context()), "SELECT count(*) FROM effect").Scan(&effects); err != nil {
				t.Fatal(err)
			}
			switch moment {
			case cut.Reply:
				if !errors.Is(released, store.ErrLeaseLost) || effects != 1 {
					t.Errorf("release: %v, %d effects, want it refused and one", released, effects)
				}
			default:
				if released != nil || effects != 0 {
					t.Errorf("release: %v, %d effects, want it accepted and none", released, effects)
				}
			}
		})
	}
}
