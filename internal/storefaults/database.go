// Package storefaults holds the tests of what comes between a store and its server: calls whose
// connection is cut, and news from other processes. A store says how it is opened, as an [Opener],
// and passes the same tests as all others: [Cut] and [Hear].
package storefaults

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/store"
)

// An Opener returns an empty database for a test.
type Opener func(t *testing.T) Database

// A Database is where all stores of a test are.
type Database struct {
	// URL names its server. That of a proxy before it differs in its host only.
	URL string

	// Open opens a store that talks to nothing but what url names, and closes it when t ends. The
	// caller migrates it. For [Cut], no driver repeats a call by itself.
	Open func(t *testing.T, url string) store.Full

	// CommitsUntilKnown says that the store sends a commit again whose reply is lost, so that a cut
	// leaves none in doubt.
	CommitsUntilKnown bool

	// WriteEffect writes to a table of the application's, in the transaction of the handler that ctx
	// belongs to, and CountEffects counts what is committed there of each task. Both may be nil.
	WriteEffect  func(ctx context.Context, task int64) error
	CountEffects func(ctx context.Context) (map[int64]int, error)
}

// A scene is a database with two stores on it.
type scene struct {
	Database

	through store.Full // through the proxy
	direct  store.Full // beside it
	proxy   *cut.Proxy
	queues  int // that were used
}

func (open Opener) scene(t *testing.T) *scene {
	t.Helper()
	s := &scene{Database: open(t)}
	s.direct = s.Open(t, s.URL)
	if err := s.direct.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.proxy = cut.New(t, u.Host)
	u.Host = s.proxy.Addr()
	s.through = s.Open(t, u.String())
	return s
}

// tasks returns running tasks of a new queue, which names the test, and the ids of others that wait.
func (s *scene) tasks(t *testing.T, running, waiting int64) (queue string, held []store.Task, others []int64) {
	t.Helper()
	s.queues++
	queue = fmt.Sprintf("%s:%d", t.Name(), s.queues)
	_, err := s.direct.Insert(t.Context(), newTasks(queue, running))
	if err == nil {
		held, err = s.direct.ClaimDue(t.Context(), newClaim(queue, running))
	}
	rest := newTasks(queue, waiting)
	if err == nil {
		_, err = s.direct.Insert(t.Context(), rest)
	}
	if err != nil || int64(len(held)) != running {
		t.Fatalf("claimed %d tasks of %d, error %v", len(held), running, err)
	}
	for i := range rest {
		others = append(others, rest[i].ID)
	}
	slices.Sort(others)
	return queue, held, others
}

func newTasks(queue string, n int64) []store.NewTask {
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = store.NewTask{Name: "n", Queue: queue, Encoding: "json", Params: []byte(`1`)}
	}
	return tasks
}

const leased = time.Minute

func newClaim(queue string, limit int64) store.Claim {
	return store.Claim{
		Queues: []string{queue}, Names: []string{"n"}, Limit: int(limit), Lease: store.NewLeaseID(), For: leased, Worker: "w",
	}
}

// each makes an item of a batch for each task.
func each[T any](tasks []store.Task, item func(id int64, lease store.LeaseID) T) []T {
	items := make([]T, len(tasks))
	for i := range tasks {
		items[i] = item(tasks[i].ID, tasks[i].Lease)
	}
	return items
}

func completion(id int64, lease store.LeaseID) store.Completion {
	return store.Completion{ID: id, Lease: lease}
}
