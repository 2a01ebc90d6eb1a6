package storefaults

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/store"
)

// A Load is tasks of the queue "q" that many work on, who repeat each call until it succeeds. The zero
// Load is ready for use, also concurrently.
type Load struct {
	mu    sync.Mutex
	tasks int           // that were inserted
	runs  map[int64]int // of each task, and of any other
}

// Round inserts, claims and completes some tasks. It reports whether it could.
func (l *Load) Round(t *testing.T, s store.Store) bool {
	t.Helper()
	tasks, c := newTasks("q", 1+rand.Int64N(5)), newClaim("q", 1+rand.Int64N(5))
	var claimed []store.Task
	ok := insist(t, func(ctx context.Context) error { _, err := s.Insert(ctx, tasks); return err }) &&
		insist(t, func(ctx context.Context) (err error) { claimed, err = s.ClaimDue(ctx, c); return err }) &&
		insist(t, func(ctx context.Context) error { return s.Complete(ctx, each(claimed, completion)) })
	if ok {
		l.note(tasks, claimed)
	}
	return ok
}

// insist makes a call again and again until it succeeds.
func insist(t *testing.T, call func(ctx context.Context) error) bool {
	t.Helper()
	const tries = 100
	var err error
	for range tries {
		if err = call(t.Context()); err == nil {
			return true
		}
	}
	t.Error(err)
	return false
}

func (l *Load) note(inserted []store.NewTask, ran []store.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == nil {
		l.runs = map[int64]int{}
	}
	for i := range inserted {
		l.runs[inserted[i].ID] += 0
	}
	for i := range ran {
		l.runs[ran[i].ID]++
	}
	l.tasks += len(inserted)
}

// Tasks returns how many were inserted.
func (l *Load) Tasks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tasks
}

// Judge runs what is left when all rounds are over, and looks that each task was run once, and
// no other.
func (l *Load) Judge(t *testing.T, s store.Full) {
	t.Helper()
	left, err := s.ClaimDue(t.Context(), newClaim("q", int64(l.Tasks())))
	if err == nil {
		err = s.Complete(t.Context(), each(left, completion))
	}
	if err != nil {
		t.Fatal(err)
	}
	l.note(nil, left)
	for id, n := range l.runs {
		if n != 1 {
			t.Errorf("task %d was run %d times", id, n)
		}
	}
	ExpectCounts(t, s, store.QueueCounts{Queue: "q", Completed: int64(l.tasks)})
}

// cutAtAnyMoment lets many work at once whose connections are cut, whatever they are about.
func (s *scene) cutAtAnyMoment(t *testing.T) {
	t.Helper()
	const workers, rounds = 4, 50
	var l Load
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for n := 0; n < rounds && l.Round(t, s.through); n++ {
				s.proxy.CutAfter([]cut.Moment{cut.Request, cut.Reply}[rand.N(2)], rand.N(10))
			}
		})
	}
	all.Wait()
	s.proxy.Spare()
	l.Judge(t, s.direct)
	t.Logf("%d tasks, %d cuts", l.Tasks(), s.proxy.Cuts())
}
