// Package crash kills workers, and servers, and looks what is left. A store's test starts worker
// processes of its own binary; they are killed with SIGKILL at named points and at random, or
// stopped for longer than a lease, or the server that they all talk to is killed under load.
// Afterwards a ledger that was kept outside of the store is held against what the store says: no
// task may be lost, each completed parent has its one child, and no effect that a handler wrote
// through its transaction may be there twice.
package crash

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// An Effects is a table of the tested database, without a unique index, that handlers write to.
type Effects interface {
	// Write adds a row for a task through the transaction of the handler that ctx belongs to.
	Write(ctx context.Context, task int64) error
	// Count returns how many rows there are for each task.
	Count(ctx context.Context) (map[int64]int, error)
	// Close gives back what was opened for the effects, beside the store, which is closed before.
	Close() error
}

// An Opener opens the store that dsn names, and makes the table of effects if there is none. It
// is called in every process. Of a store without transactions the effects are nil: then handlers
// write none, and parents only schedule their child.
type Opener func(ctx context.Context, dsn string) (store.Store, Effects, error)

// Short leases and few tasks for each kill let a run take a minute.
const (
	lease        = time.Second
	slots        = 4 // of a worker
	tasksPerKill = 8
	patience     = time.Minute
)

// An Option changes how a test is made.
type Option func(h *harness)

// Lease is for how long workers claim: a second unless set. A call to the store may take a third of it.
func Lease(d time.Duration) Option { return func(h *harness) { h.orders.Lease = d } }

// Test kills workers on the store behind dsn, and fails if anything is lost or doubled. The
// test's TestMain must begin with [Main].
func Test(t *testing.T, dsn string, open Opener, kills Kills, opts ...Option) {
	t.Helper()
	withHarness(t, dsn, open, opts, func(h *harness) { h.killWorkers(kills) })
}

// Together lets several worker processes share the tasks, and fails as [Test] does.
func Together(t *testing.T, dsn string, open Opener, processes, tasks int) {
	t.Helper()
	withHarness(t, dsn, open, nil, func(h *harness) {
		h.schedule(tasks)
		h.finish(processes)
	})
}

// Servers kills the server that the store is on, while workers work and tasks are scheduled, and
// fails as [Test] does. Before each kill the server has acknowledged that many inserts within a
// second, at least, and tasks are running.
func Servers(t *testing.T, dsn string, open Opener, server Server, kills, inserts int, opts ...Option) {
	t.Helper()
	withHarness(t, dsn, open, opts, func(h *harness) { h.killServer(server, kills, inserts) })
}

// Pauses stops workers in handlers' transactions, or where there are none, in handlers, lets others
// run their tasks, and then lets them go on and commit, which must change nothing. It fails as [Test]
// does. It is not for a store on which an open transaction keeps others from writing.
func Pauses(t *testing.T, dsn string, open Opener, pauses int) {
	t.Helper()
	if stopSignal == nil {
		t.Skip("processes cannot be stopped on this system")
	}
	withHarness(t, dsn, open, nil, func(h *harness) { h.pauseWorkers(pauses) })
}

// withHarness prepares a test and judges it afterwards.
func withHarness(t *testing.T, dsn string, open Opener, opts []Option, test func(h *harness)) {
	t.Helper()
	h := newHarness(t, dsn, open)
	for _, o := range opts {
		o(h)
	}
	test(h)
	h.judge()
}

// newHarness opens the store that dsn names, until the test ends.
func newHarness(t *testing.T, dsn string, open Opener) *harness {
	t.Helper()
	s, effects, err := open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(s, effects) })
	client, err := firefly.NewClient(s, firefly.ClientConfig{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "ledger")
	return &harness{
		T: t, open: open, store: s, effects: effects, client: client, ledger: newLedger(name),
		orders: orders{DSN: dsn, Ledger: name, Slots: slots, Lease: lease},
	}
}

// shut closes what an Opener has opened.
func shut(s store.Store, e Effects) {
	_ = store.Close(s)
	if e != nil {
		_ = e.Close()
	}
}

type harness struct {
	*testing.T
	open    Opener
	exe     string // of each process that is started from now on; empty is this one's
	orders  orders // of the same
	store   store.Store
	effects Effects // nil if the store has no transactions
	client  *firefly.Client
	ledger  *ledger // what workers did
	known   known
}

// schedule adds tasks of both kinds.
func (h *harness) schedule(n int) {
	h.Helper()
	for i := range n {
		call := plain.Call(firefly.None{})
		if i%2 == 0 {
			call = parent.Call(firefly.None{})
		}
		if err := h.client.ScheduleMany(h.Context(), call); err != nil {
			h.Fatal(err)
		}
		h.known.add(call)
	}
}

// counts adds up the store's queues.
func (h *harness) counts() (store.QueueCounts, error) {
	var sum store.QueueCounts
	counter, ok := store.As[store.Counter](h.store)
	if !ok {
		return sum, store.Unsupported(h.store, "Counter")
	}
	all, err := counter.Counts(h.Context())
	for _, q := range all {
		sum.Created += q.Created
		sum.Running += q.Running
	}
	return sum, err
}

// running counts the tasks that are held. It is none if the store does not answer.
func (h *harness) running() int64 {
	counts, err := h.counts()
	if err != nil {
		return 0
	}
	return counts.Running
}

// finish waits until every task is finished, with so many workers more.
func (h *harness) finish(workers int) {
	h.Helper()
	defer h.dismiss(h.hire(workers))
	h.await("all tasks are finished", 3*patience, func() bool {
		counts, err := h.counts()
		return err == nil && counts.Created+counts.Running == 0
	})
	if h.effects == nil { // a child may come after its parent, and needs no worker to be there
		h.await("each completed parent has its child", patience, func() bool { return h.childless() == 0 })
	}
}

// await waits for what becomes true in a while.
func (h *harness) await(what string, within time.Duration, is func() bool) {
	h.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !is(); <-tick.C {
		if time.Now().After(deadline) {
			counts, err := h.counts()
			h.Fatalf("within %s it did not come that %s; tasks are left: %d waiting, %d running, error %v",
				within, what, counts.Created, counts.Running, err)
		}
	}
}
