package redis_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// patience bounds the wait for what should come at once, or by itself.
const patience = 30 * time.Second

func newTask() store.NewTask {
	return store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: []byte(`1`)}
}

func newTasks(n int) []store.NewTask {
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = newTask()
	}
	return tasks
}

func newClaim() store.Claim {
	return store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: 10, Lease: store.NewLeaseID(), For: time.Minute, Worker: "w"}
}

// namespace is one of the test's own.
func namespace(tb testing.TB) string {
	tb.Helper()
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(tb.Name()), "_")
	return name[max(0, len(name)-40):]
}

// fresh opens a store on the server that tests share, in an empty namespace.
func fresh(tb testing.TB, opts ...redis.Option) (*redis.Store, *goredis.Client) {
	tb.Helper()
	client := connect(tb, servers.RedisServer(tb).URL())
	empty(tb, client, namespace(tb))
	tb.Cleanup(func() { empty(tb, client, namespace(tb)) })
	return openStore(tb, client, append([]redis.Option{redis.Namespace(namespace(tb))}, opts...)...), client
}

// insert inserts a number of tasks, and returns their ids.
func insert(tb testing.TB, s *redis.Store, n int) []int64 {
	tb.Helper()
	tasks := newTasks(n)
	if _, err := s.Insert(tb.Context(), tasks); err != nil {
		tb.Fatal(err)
	}
	return idsOf(tasks)
}

func idsOf(tasks []store.NewTask) []int64 {
	ids := make([]int64, len(tasks))
	for i := range tasks {
		ids[i] = tasks[i].ID
	}
	return ids
}

// claim claims that many tasks for a minute.
func claim(tb testing.TB, s *redis.Store, n int) []store.Task {
	tb.Helper()
	c := newClaim()
	c.Limit = n
	tasks, err := s.ClaimDue(tb.Context(), c)
	if err != nil || len(tasks) != n {
		tb.Fatalf("claimed %d tasks of %d, error %v", len(tasks), n, err)
	}
	return tasks
}

func completions(tasks ...store.Task) []store.Completion {
	done := make([]store.Completion, len(tasks))
	for i := range tasks {
		done[i] = store.Completion{ID: tasks[i].ID, Lease: tasks[i].Lease}
	}
	return done
}

func failures(tasks ...store.Task) []store.Failure {
	failed := make([]store.Failure, len(tasks))
	for i := range tasks {
		failed[i] = store.Failure{ID: tasks[i].ID, Lease: tasks[i].Lease}
	}
	return failed
}

// expectCounts compares the counts of the queue "q" with what they should be, and with the rows.
func expectCounts(tb testing.TB, s *redis.Store, want store.QueueCounts) {
	tb.Helper()
	want.Queue = "q"
	storefaults.ExpectCounts(tb, s, want)
}

// eventually makes a call again and again until it succeeds.
func eventually(tb testing.TB, what string, call func(ctx context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := call(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: not within %s: %v", what, patience, err)
		}
	}
}
