package redis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// behindProxy returns a store whose connections can be cut, and one beside it.
func behindProxy(t *testing.T) (cutOff, direct *redis.Store, proxy *cut.Proxy) {
	t.Helper()
	direct, client := fresh(t)
	options := *client.Options()
	proxy = cut.New(t, options.Addr)
	options.Addr = proxy.Addr()
	behind := goredis.NewClient(&options)
	t.Cleanup(func() { _ = behind.Close() })
	return openStore(t, behind, redis.Namespace(namespace(t))), direct, proxy
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
			s, direct, proxy := behindProxy(t)
			expect := func(id int64, want store.Status, why string) {
				t.Helper()
				tasks, err := direct.Get(t.Context(), []int64{id})
				if err != nil || len(tasks) != 1 || tasks[0].Status != want {
					t.Fatalf("%s: tasks %+v, error %v, want one that is %s", why, tasks, err, want)
				}
			}
			insert(t, s, 1) // so that there is a connection, and ids
			twice := func(what string, call func() error) {
				t.Helper()
				if !cutDuring(t, proxy, moment, call) {
					t.Errorf("%s that was cut off is not in doubt", what)
				}
				if err := call(); err != nil {
					t.Fatalf("%s again: %v", what, err)
				}
			}
			tasks := newTasks(500) // several scripts
			twice("insert", func() error { _, err := s.Insert(t.Context(), tasks); return err })
			expectCounts(t, direct, store.QueueCounts{Created: 501})

			c := newClaim()
			c.Limit = 300
			var claimed []store.Task
			twice("claim", func() (err error) { claimed, err = s.ClaimDue(t.Context(), c); return err })
			expectCounts(t, direct, store.QueueCounts{Created: 501 - int64(len(claimed)), Running: int64(len(claimed))})
			if len(claimed) == 0 {
				t.Fatal("nothing was claimed")
			}

			id := claimed[0].ID
			twice("complete", func() error { return s.Complete(t.Context(), completions(claimed[0])) })
			expect(id, store.Completed, "complete")
			id = claimed[1].ID
			twice("fail", func() error { return s.Fail(t.Context(), failures(claimed[1])) })
			expect(id, store.Failed, "fail")
			for _, kind := range []store.Kind{store.Retry, store.Snooze, store.Release} {
				task := claimed[2+int(kind)]
				again := func() error {
					return s.Reschedule(t.Context(), []store.Rescheduling{{ID: task.ID, Lease: task.Lease, Kind: kind}})
				}
				if !cutDuring(t, proxy, moment, again) {
					t.Errorf("%s that was cut off is not in doubt", kind)
				}
				if err := again(); err != nil && (moment == cut.Request || !errors.Is(err, store.ErrLeaseLost)) {
					t.Fatalf("%s repeated: %v", kind, err)
				}
				expect(task.ID, store.Created, kind.String())
			}
			rest := claimed[5:]
			twice("complete many", func() error { return s.Complete(t.Context(), completions(rest...)) })
			expectCounts(t, direct, store.QueueCounts{
				Created: 501 - int64(len(claimed)) + 3, Completed: 1 + int64(len(rest)), Failed: 1,
			})
		})
	}
}

// A handler's transaction whose commit is cut off is in doubt, and a release outside of it finds
// out: accepted, there is no effect; refused, there is one.
func TestCutCommit(t *testing.T) {
	for name, moment := range moments {
		t.Run(name, func(t *testing.T) {
			s, direct, proxy := behindProxy(t)
			insert(t, s, 1)
			task := claim(t, direct, 1)[0]
			a := store.NewAttempt(t.Context(), s, task.Lease, 0)
			w, err := store.AttemptTx(a.Context())
			if err != nil {
				t.Fatal(err)
			}
			child := newTask()
			child.Queue = "effect"
			if _, err := w.Insert(t.Context(), []store.NewTask{child}); err != nil {
				t.Fatal(err)
			}
			tx := a.End()
			if err := tx.Complete(t.Context(), completions(task)); err != nil {
				t.Fatal(err)
			}
			if !cutDuring(t, proxy, moment, func() error { return tx.Commit(t.Context()) }) {
				t.Error("a commit that was cut off is not in doubt")
			}
			_ = tx.Rollback(t.Context())
			released := direct.Reschedule(t.Context(), []store.Rescheduling{{ID: task.ID, Lease: task.Lease, Kind: store.Release}})
			effects, err := direct.List(t.Context(), store.Filter{Queues: []string{"effect"}}, store.Page{})
			if err != nil {
				t.Fatal(err)
			}
			switch moment {
			case cut.Reply:
				if !errors.Is(released, store.ErrLeaseLost) || len(effects) != 1 {
					t.Errorf("release: %v, %d effects, want it refused and one", released, len(effects))
				}
			default:
				if released != nil || len(effects) != 0 {
					t.Errorf("release: %v, %d effects, want it accepted and none", released, len(effects))
				}
			}
		})
	}
}

// insist makes a call again and again until it succeeds.
func insist(t *testing.T, call func(ctx context.Context) error) (last error) {
	t.Helper()
	const tries = 100
	for range tries {
		if last = call(t.Context()); last == nil {
			return nil
		}
	}
	return last
}

// Many at once whose connections are cut at any moment, and who repeat what is in doubt, run each
// task once: none is lost, none claimed twice.
func TestCutAtAnyMoment(t *testing.T) {
	const workers, each = 4, 50
	s, direct, proxy := behindProxy(t)
	var mu sync.Mutex
	runs := map[int64]int{}
	var acknowledged []int64
	stop := make(chan struct{})
	var all, cutting sync.WaitGroup
	cutting.Go(func() {
		often := time.NewTicker(2 * time.Millisecond)
		defer often.Stop()
		for {
			select {
			case <-stop:
				return
			case <-often.C:
				proxy.CutNext([]cut.Moment{cut.Request, cut.Reply}[rand.N(2)])
			}
		}
	})
	for range workers {
		all.Go(func() {
			for range each {
				tasks := newTasks(1 + rand.N(3))
				if err := insist(t, func(ctx context.Context) error { _, err := s.Insert(ctx, tasks); return err }); err != nil {
					t.Errorf("insert: %v", err)
					return
				}
				c := newClaim()
				c.Limit = 1 + rand.N(3)
				var claimed []store.Task
				if err := insist(t, func(ctx context.Context) (err error) { claimed, err = s.ClaimDue(ctx, c); return err }); err != nil {
					t.Errorf("claim: %v", err)
					return
				}
				if err := insist(t, func(ctx context.Context) error { return s.Complete(ctx, completions(claimed...)) }); err != nil {
					t.Errorf("complete: %v", err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, idsOf(tasks)...)
				for _, task := range claimed {
					runs[task.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	close(stop)
	cutting.Wait()
	left, err := direct.ClaimDue(t.Context(), store.Claim{
		Queues: []string{"q"}, Names: []string{"n"}, Limit: len(acknowledged), Lease: store.NewLeaseID(), For: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Complete(t.Context(), completions(left...)); err != nil {
		t.Fatal(err)
	}
	for _, task := range left {
		runs[task.ID]++
	}
	for _, id := range acknowledged {
		if runs[id] != 1 {
			t.Errorf("task %d was run %d times", id, runs[id])
		}
	}
	t.Logf("%d tasks, %d cuts", len(acknowledged), proxy.Cuts())
	expectCounts(t, direct, store.QueueCounts{Completed: int64(len(acknowledged))})
}
