package mongo_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// patience bounds the wait for what should come at once, or by itself.
const patience = 30 * time.Second

func newTasks(n int) []store.NewTask {
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: []byte(`1`)}
	}
	return tasks
}

func newClaim(limit int) store.Claim {
	return store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: limit, Lease: store.NewLeaseID(), For: time.Minute, Worker: "w"}
}

// insert inserts a number of tasks, and returns their ids.
func insert(tb testing.TB, s *mongo.Store, n int) []int64 {
	tb.Helper()
	tasks := newTasks(n)
	if _, err := s.Insert(tb.Context(), tasks); err != nil {
		tb.Fatal(err)
	}
	ids := make([]int64, n)
	for i := range tasks {
		ids[i] = tasks[i].ID
	}
	return ids
}

// claim claims that many tasks for a minute.
func claim(tb testing.TB, s *mongo.Store, n int) []store.Task {
	tb.Helper()
	tasks, err := s.ClaimDue(tb.Context(), newClaim(n))
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

// task reads a task.
func task(tb testing.TB, s *mongo.Store, id int64) store.Task {
	tb.Helper()
	tasks, err := s.Get(tb.Context(), []int64{id})
	if err != nil || len(tasks) != 1 {
		tb.Fatalf("get of task %d: %d tasks, error %v", id, len(tasks), err)
	}
	return tasks[0]
}

// expectCounts compares the counts of the queue "q" with what they should be, and with the tasks.
func expectCounts(tb testing.TB, s *mongo.Store, want store.QueueCounts) {
	tb.Helper()
	want.Queue = "q"
	storefaults.ExpectCounts(tb, s, want)
}

// fresh opens a store on an empty database of the server with transactions, freshOn of any.
func fresh(tb testing.TB) (*mongo.Store, *driver.Database) {
	tb.Helper()
	return freshOn(tb, servers.MongoDB(tb))
}

func freshOn(tb testing.TB, server *servers.Mongo, opts ...mongo.Option) (*mongo.Store, *driver.Database) {
	tb.Helper()
	db := connect(tb, server.URL(), server.Database(tb))
	return openStore(tb, db, opts...), db
}

// A journal is what a store logs.
type journal struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (j *journal) option() mongo.Option { return mongo.Logger(slog.New(slog.NewTextHandler(j, nil))) }

// Write implements [io.Writer].
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(line)
}

// take returns what was logged since it was last asked.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.lines.Reset()
	return j.lines.String()
}

// within returns a context that ends when patience does.
func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	tb.Cleanup(cancel)
	return ctx
}
