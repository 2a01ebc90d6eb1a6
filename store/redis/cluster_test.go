package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

func connectCluster(tb testing.TB, c *servers.Cluster) *goredis.ClusterClient {
	tb.Helper()
	client := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: c.Addrs()})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Namespaces are on different servers of a cluster, and know nothing of each other.
func TestNamespacesShareACluster(t *testing.T) {
	client := connectCluster(t, servers.RedisCluster(t))
	masters := map[string]bool{}
	var all sync.WaitGroup
	for _, name := range []string{"north", "south"} {
		node, err := client.MasterForKey(t.Context(), "{"+name+"}:id")
		if err != nil {
			t.Fatal(err)
		}
		masters[node.Options().Addr] = true
		empty(t, client, name)
		s := openStore(t, client, redis.Namespace(name))
		all.Go(func() {
			for range 20 {
				if err := smallRun(t.Context(), s); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			expectCounts(t, s, store.QueueCounts{Created: 20, Completed: 40, Failed: 20})
		})
	}
	all.Wait()
	if len(masters) != 2 {
		t.Errorf("the namespaces are all on %v", masters)
	}
}

// smallRun leaves two tasks more completed, one failed, and one that waits.
func smallRun(ctx context.Context, s *redis.Store) error {
	if _, err := s.Insert(ctx, newTasks(3)); err != nil {
		return err
	}
	c := newClaim()
	c.Limit = 3
	tasks, err := s.ClaimDue(ctx, c)
	if err != nil {
		return err
	}
	if len(tasks) != 3 {
		return errors.New("not all tasks were claimed")
	}
	return errors.Join(
		s.Complete(ctx, completions(tasks[0])),
		s.Fail(ctx, failures(tasks[1])),
		s.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
			later := newTask()
			later.Delay = time.Hour
			_, err := tx.Insert(ctx, []store.NewTask{later})
			return errors.Join(err, tx.Complete(ctx, completions(tasks[2])))
		}))
}

// When the master that has the namespace dies, the store finds its successor by itself, and what was
// acknowledged by a replica is there.
func TestFailover(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a cluster to notice that a master is dead")
	}
	c := servers.NewRedisCluster(t)
	careful := openStore(t, connectCluster(t, c), redis.Replicas(1, time.Second))
	plain := openStore(t, connectCluster(t, c))
	storefaults.UntilCancelHeard(t, plain, careful)
	settle := func() { // what the former left
		t.Helper()
		if _, err := plain.Delete(t.Context(), store.Filter{Statuses: []store.Status{store.Created, store.Cancelled}}, 0); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	var acknowledged []int64
	for range 100 {
		acknowledged = append(acknowledged, insert(t, careful, 3)...)
	}
	c.KillMaster(t, "{firefly}:id")
	during := newTasks(3)
	if _, err := careful.Insert(t.Context(), during); err == nil {
		t.Error("an insertion without a master succeeded")
	}
	after := newTasks(3)
	eventually(t, "an insertion after the failover", func(ctx context.Context) error {
		_, err := plain.Insert(ctx, after)
		return err
	})
	tasks, err := plain.Get(t.Context(), acknowledged)
	if err != nil || len(tasks) != len(acknowledged) {
		t.Errorf("after the failover there are %d of %d acknowledged tasks, error %v", len(tasks), len(acknowledged), err)
	}
	if _, err := careful.Insert(t.Context(), during); err == nil || store.IsDefinite(err) {
		t.Errorf("an insertion that no replica has: %v, want an error that leaves it in doubt", err)
	}
	c.Restart(t)
	eventually(t, "an insertion that a replica has", func(ctx context.Context) error {
		_, err := careful.Insert(ctx, during)
		return err
	})
	hearsFrom := openStore(t, connectCluster(t, c))
	want := slices.Concat(acknowledged, idsOf(after), idsOf(during))
	got := claim(t, hearsFrom, len(want))
	for _, task := range got {
		if !slices.Contains(want, task.ID) {
			t.Errorf("claimed task %d, which nobody knows", task.ID)
		}
	}
	if err := careful.Complete(t.Context(), completions(got...)); err != nil {
		t.Fatal(err)
	}
	storefaults.UntilCancelHeard(t, plain, hearsFrom)
}

// While a slot moves, halfway, each call is refused as a whole, wherever the keys are that it needs; and
// afterwards all goes on.
func TestSlotMoves(t *testing.T) {
	for _, first := range []string{"id", "leases"} { // which has moved, and half of the others
		t.Run(first, func(t *testing.T) { testSlotMoves(t, first) })
	}
}

func testSlotMoves(t *testing.T, first string) {
	t.Helper()
	c := servers.RedisCluster(t)
	client := connectCluster(t, c)
	empty(t, client, namespace(t))
	s := openStore(t, client, redis.Namespace(namespace(t)))
	insert(t, s, 500)
	tasks := claim(t, s, 100)
	halfway := newTasks(300)
	c.MoveSlot(t, "{"+namespace(t)+"}:"+first, func() {
		var all sync.WaitGroup // each takes a while, as the store gives the slot time
		defer all.Wait()
		for what, call := range map[string]func() error{
			"insert":   func() error { _, err := s.Insert(t.Context(), halfway); return err },
			"claim":    func() error { _, err := s.ClaimDue(t.Context(), newClaim()); return err },
			"complete": func() error { return s.Complete(t.Context(), completions(tasks...)) },
			"fail":     func() error { return s.Fail(t.Context(), failures(tasks...)) },
			"extend":   func() error { _, err := s.Extend(t.Context(), 0, []store.LeaseID{tasks[0].Lease}); return err },
			"get":      func() error { _, err := s.Get(t.Context(), []int64{tasks[0].ID}); return err },
			"cancel":   func() error { _, err := s.Cancel(t.Context(), store.Filter{IDs: []int64{tasks[0].ID}}, 0); return err },
			"commit": func() error {
				return s.WithTx(t.Context(), func(ctx context.Context, tx store.Writer) error { return tx.Complete(ctx, completions(tasks...)) })
			},
		} {
			all.Go(func() { expectMoving(t, what, call()) })
		}
	})
	expectCounts(t, s, store.QueueCounts{Created: 400, Running: 100})
	if err := s.Complete(t.Context(), completions(tasks...)); err != nil {
		t.Error(err)
	}
	if _, err := s.Insert(t.Context(), halfway); err != nil {
		t.Error(err)
	}
	expectCounts(t, s, store.QueueCounts{Created: 700, Completed: 100})
}

func expectMoving(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrUnavailable) || !store.IsDefinite(err) {
		t.Errorf("%s while the slot moves: %v, want that it is refused as a whole", what, err)
	}
}

// Workers go on while a slot moves: every task is run once, by one of them.
func TestSlotMovesUnderLoad(t *testing.T) {
	const workers = 4
	c := servers.RedisCluster(t)
	client := connectCluster(t, c)
	empty(t, client, namespace(t))
	var load storefaults.Load
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range workers {
		s := openStore(t, client, redis.Namespace(namespace(t)))
		all.Go(func() {
			for load.Round(t, s) {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	rounds := func(more int) {
		t.Helper()
		enough := load.Tasks() + more
		eventually(t, "work goes on", func(context.Context) error {
			if n := load.Tasks(); n < enough {
				return fmt.Errorf("%d tasks of %d", n, enough)
			}
			return nil
		})
	}
	rounds(500)
	c.MoveSlot(t, "{"+namespace(t)+"}:id", func() {
		s := openStore(t, client, redis.Namespace(namespace(t)))
		_, err := s.ClaimDue(t.Context(), newClaim()) // which takes a while, in which the workers try, too
		expectMoving(t, "claim", err)
	})
	rounds(500)
	close(stop)
	all.Wait()
	load.Judge(t, openStore(t, client, redis.Namespace(namespace(t))))
}
