package firefly

import (
	"context"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// suspectCrashes is how many crashes make a task a suspect: it may be what kills its workers,
// so it is run only while its process holds no other task. Others that crashed along with it
// pass alone, and only a task that kills its worker alone crashes further.
const suspectCrashes = 2

func isSuspect(t *store.Task) bool { return t.Crashes >= suspectCrashes }

func countSuspects(tasks []store.Task) (n int) {
	for i := range tasks {
		if isSuspect(&tasks[i]) {
			n++
		}
	}
	return n
}

// A quarantine lets one suspect at a time run alone in its process.
type quarantine struct {
	mu       sync.Mutex
	held     int           // tasks of all workers, not settled
	suspects int           // among them
	claiming int           // claims under way, which may bring more
	suspect  bool          // one waits to be alone, or runs
	changed  chan struct{} // closed at the next change; nil if nobody waits
}

// processQuarantine is shared by all workers of the process.
var processQuarantine quarantine

// enter begins a claim, once no suspect is held: it may have to run alone, and if there are more, they
// would only be brought again. It returns false if ctx ends before.
func (q *quarantine) enter(ctx context.Context) bool {
	return q.await(ctx, func() bool {
		if q.suspects > 0 {
			return false
		}
		q.claiming++
		return true
	})
}

// leave ends a claim that brought n tasks, some of them suspects.
func (q *quarantine) leave(n, suspects int) {
	q.change(func() { q.claiming--; q.held += n; q.suspects += suspects })
}

// drop is n tasks settled, some of them suspects.
func (q *quarantine) drop(n, suspects int) { q.change(func() { q.held -= n; q.suspects -= suspects }) }

// isolate makes the caller's task the one suspect, and returns false if there is one already.
func (q *quarantine) isolate() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.suspect {
		return false
	}
	q.suspect = true
	return true
}

// alone waits until the suspect is the only task. It returns false if ctx ends before.
func (q *quarantine) alone(ctx context.Context) bool {
	return q.await(ctx, func() bool { return q.held == 1 && q.claiming == 0 })
}

// pass ends the isolation.
func (q *quarantine) pass() { q.change(func() { q.suspect = false }) }

func (q *quarantine) change(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f()
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

// await waits until try, called with q.mu held, returns true.
func (q *quarantine) await(ctx context.Context, try func() bool) bool {
	for {
		q.mu.Lock()
		if try() {
			q.mu.Unlock()
			return true
		}
		if q.changed == nil {
			q.changed = make(chan struct{})
		}
		changed := q.changed
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
