package mongo

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// candidates are due tasks that were found, in the order of rule 8, for whichever claims of this
// process come to need them. No two of them pick the same.
type candidates struct {
	turn    chan struct{} // held by the claim that chooses
	waiting atomic.Int64  // claims that hold it, or wait for it
	changes atomic.Int64  // that this process made to tasks that wait
	crowd   crowd

	// Guarded by turn.
	queues, names []string
	began         time.Time // when they were looked for
	until         int64     // how long they last, by the server's clock
	seen          int64     // of the changes, by then
	more          bool      // there may be more of them than were looked for
	spread        bool      // others have found them as well
	usual         int32     // the priority of the first one that was found the last time
	due           []record

	mu     sync.Mutex
	picked map[int64]struct{} // by claims that are under way
}

const (
	// Tasks that were found serve other claims for so long at least, and ten times as long as it took
	// to find them: a task that another process makes due meanwhile, however urgent, comes so much later.
	candidatesLast     = 100 * time.Millisecond
	candidatesLastMost = time.Second
	// candidatesLeast are looked for where there were more than were looked for the last time, or as many
	// as so many claims take: to find the first of many due tasks may cost the server as much as to find
	// some thousands.
	candidatesLeast  = 256
	candidatesClaims = 4
	candidatesMost   = 8000 // but for a claim that wants more by itself
)

// wanted is how many tasks to look for, on behalf of a claim that has the turn, and of those that wait.
func (f *candidates) wanted(limit int) int {
	n := limit * int(f.waiting.Load())
	if f.more {
		n = max(n, limit*candidatesClaims, candidatesLeast)
	}
	return max(limit, min(n, candidatesMost))
}

// lock waits for the turn.
func (f *candidates) lock(ctx context.Context) (unlock func(), err error) {
	f.waiting.Add(1)
	select {
	case f.turn <- struct{}{}:
		return func() {
			<-f.turn
			f.waiting.Add(-1)
		}, nil
	case <-ctx.Done():
		f.waiting.Add(-1)
		return nil, ended(ctx)
	}
}

// serve reports whether a claim can take tasks from what was found: if it was looked for since the
// claim began, it is what the claim would find. A moment later it is as good if there is enough of it,
// and nothing came between that this process knows of.
func (f *candidates) serve(c *claiming) bool {
	if len(f.due) == 0 || !slices.Equal(f.queues, c.Queues) || !slices.Equal(f.names, c.Names) {
		return false
	}
	if f.began.After(c.began) {
		return len(f.due) >= c.Limit || !f.more
	}
	return len(f.due) >= c.Limit && c.at.early < f.until && f.seen == f.changes.Load()
}

// outdate notes that this process has changed which tasks are due, or which of them comes first.
func (f *candidates) outdate() { f.changes.Add(1) }

// forget has the next claim look again.
func (f *candidates) forget() { f.due, f.more, f.spread = nil, false, false }

// without drops the tasks of queues that are paused.
func (f *candidates) without(paused []string) {
	if len(paused) > 0 {
		f.due = slices.DeleteFunc(f.due, func(r record) bool { return slices.Contains(paused, r.Queue) })
	}
}

// pick takes out up to n tasks. They are not found again until they are dropped.
func (f *candidates) pick(n int) (picked []record) {
	picked, f.due = pick(f.due, n, f.spread)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.picked == nil {
		f.picked = map[int64]struct{}{}
	}
	for i := range picked {
		f.picked[picked[i].ID] = struct{}{}
	}
	return picked
}

// drop says that claims are through with tasks, whether they have won them or not.
func (f *candidates) drop(picked []record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range picked {
		delete(f.picked, picked[i].ID)
	}
}

// underWay counts the tasks that claims are not through with.
func (f *candidates) underWay() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.picked)
}

// free returns those of the tasks that no claim has picked.
func (f *candidates) free(due []record) []record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(due, func(r record) bool {
		_, picked := f.picked[r.ID]
		return picked
	})
}
