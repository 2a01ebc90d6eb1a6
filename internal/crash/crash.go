// Package crash kills workers and looks what is left. A store's test starts worker processes of
// its own binary, which are killed with SIGKILL at named points and at random, and afterwards
// holds a ledger that was kept outside of the store against what the store says: no task may be
// lost, and no effect that a handler wrote through its transaction may be there twice.
package crash

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
}

// An Opener opens the store that dsn names, and makes the table of effects if there is none. It
// is called in every process.
type Opener func(ctx context.Context, dsn string) (store.Store, Effects, error)

// Kills is how many workers are killed where.
type Kills map[Failpoint]int

// Minimum is what a store has to survive at least.
func Minimum() Kills {
	return Kills{Claimed: 10, Running: 10, InTx: 15, Staged: 10, Settling: 10, Random: 10}
}

// Short leases and few tasks for each kill let a run take a minute.
const (
	lease        = time.Second
	tasksPerKill = 8
	patience     = time.Minute
)

// withHarness prepares a test and judges it afterwards.
func withHarness(t *testing.T, dsn string, open Opener, test func(h *harness)) {
	t.Helper()
	s, effects, err := open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close(s) }()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{T: t, dsn: dsn, store: s, client: client, ledger: filepath.Join(t.TempDir(), "ledger")}
	test(h)
	h.judge(effects)
}

// Test kills workers on the store behind dsn, and fails if anything is lost or doubled. The
// test's TestMain must begin with [Main].
func Test(t *testing.T, dsn string, open Opener, kills Kills) {
	t.Helper()
	withHarness(t, dsn, open, func(h *harness) { h.killAll(kills) })
}

// Together lets several worker processes share the tasks, and fails as [Test] does.
func Together(t *testing.T, dsn string, open Opener, processes, tasks int) {
	t.Helper()
	withHarness(t, dsn, open, func(h *harness) {
		h.schedule(tasks)
		h.finish(processes)
	})
}

// killAll sees workers killed, and lets one more do what they left.
func (h *harness) killAll(kills Kills) {
	h.Helper()
	total := 0
	for _, point := range []Failpoint{Claimed, Running, InTx, Staged, Settling, Random} {
		for range kills[point] {
			h.schedule(tasksPerKill)
			h.kill(point)
			total++
		}
	}
	h.finish(1)
	starts, tasks := h.lines(startLine), len(h.parent)+len(h.plain)
	h.Logf("crash: %d workers killed: %v; %d runs of %d tasks begun", total, kills, starts, tasks)
	if starts <= tasks {
		h.Error("nothing was interrupted")
	}
}

type harness struct {
	*testing.T
	dsn    string
	store  store.Store
	client *firefly.Client
	ledger string
	parent []int64 // tasks that write an effect and schedule a child
	plain  []int64
}

// schedule adds tasks of both kinds and notes those that the store acknowledged.
func (h *harness) schedule(n int) {
	h.Helper()
	for i := range n {
		if i%2 == 0 {
			handle, err := parent.Schedule(h.Context(), h.client, firefly.None{})
			if err != nil {
				h.Fatal(err)
			}
			h.parent = append(h.parent, handle.ID())
			continue
		}
		handle, err := plain.Schedule(h.Context(), h.client, firefly.None{})
		if err != nil {
			h.Fatal(err)
		}
		h.plain = append(h.plain, handle.ID())
	}
}

// kill starts a worker and sees it killed while it holds tasks.
func (h *harness) kill(point Failpoint) {
	h.Helper()
	unanswered := h.unanswered()
	for range 50 { // a worker may be killed too late, when it holds nothing any more: then another
		worker := h.start(point)
		ended := make(chan error, 1)
		go func() { ended <- worker.Wait() }()
		if point == Random {
			h.awaitLeased()
			<-time.After(time.Duration(len(h.plain)*37%50) * time.Millisecond)
			_ = worker.Process.Kill()
		}
		select {
		case <-ended:
		case <-time.After(patience):
			_ = worker.Process.Kill()
			h.Fatalf("a worker did not get to the point %q within %s", point, patience)
		}
		if status := worker.ProcessState; status.Exited() {
			h.Fatalf("a worker ended by itself: %s", status)
		}
		if point == Settling && h.unanswered() > unanswered || point != Settling && h.leased() > 0 {
			return
		}
	}
	h.Fatalf("no worker was killed at %q while it held a task", point)
}

func (h *harness) start(point Failpoint) *exec.Cmd {
	h.Helper()
	exe, err := os.Executable()
	if err != nil {
		h.Fatal(err)
	}
	worker := exec.CommandContext(h.Context(), exe)
	worker.Env = append(os.Environ(), envDSN+"="+h.dsn, envPoint+"="+string(point), envLedger+"="+h.ledger)
	worker.Stderr = os.Stderr
	if err := worker.Start(); err != nil {
		h.Fatal(err)
	}
	return worker
}

// unanswered counts the settling calls that were sent by a worker that did not live to see the
// answer.
func (h *harness) unanswered() int { return h.lines(sentLine) - h.lines(answerLine) }

// lines counts the lines of the ledger that begin so.
func (h *harness) lines(prefix string) int {
	h.Helper()
	content, err := os.ReadFile(h.ledger)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.Fatal(err)
	}
	return bytes.Count(append([]byte("\n"), content...), []byte("\n"+prefix))
}

// leased counts the tasks that are held.
func (h *harness) leased() int64 {
	h.Helper()
	counter, ok := store.As[store.Counter](h.store)
	if !ok {
		h.Fatal("the store does not count")
	}
	all, err := counter.Counts(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	var n int64
	for _, q := range all {
		n += q.Running
	}
	return n
}

func (h *harness) awaitLeased() {
	h.Helper()
	for deadline := time.Now().Add(patience); h.leased() == 0; {
		if time.Now().After(deadline) {
			h.Fatal("no worker claimed anything")
		}
		<-time.After(5 * time.Millisecond)
	}
}

// finish lets workers that are not killed do the rest.
func (h *harness) finish(processes int) {
	h.Helper()
	for range processes {
		worker := h.start(Nowhere)
		defer func() {
			_ = worker.Process.Kill()
			_ = worker.Wait()
		}()
	}
	counter, ok := store.As[store.Counter](h.store)
	if !ok {
		h.Fatal("the store does not count")
	}
	for deadline := time.Now().Add(3 * patience); ; {
		all, err := counter.Counts(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(q store.QueueCounts) bool { return q.Created+q.Running > 0 }) {
			return
		}
		if time.Now().After(deadline) {
			h.Fatalf("tasks are left: %+v", all)
		}
		<-time.After(50 * time.Millisecond)
	}
}
