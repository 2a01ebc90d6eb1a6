package firefly

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A settlement is a verdict that the store is to be told.
type settlement struct {
	run *run
	verdict
}

// A settler writes settlements in batches: while one flush is under way, the next gathers. It
// has no timer and, when idle, no goroutine.
type settler struct {
	worker *Worker
	mu     sync.Mutex
	queue  []settlement
	busy   bool
}

// submit has settlements written as soon as may be.
func (s *settler) submit(all ...settlement) {
	if len(all) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, all...)
	if !s.busy {
		s.busy = true
		go s.flush()
	}
}

// flush writes until the queue is empty.
func (s *settler) flush() {
	for {
		s.mu.Lock()
		batch := s.queue
		s.queue = nil
		s.busy = len(batch) > 0
		s.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, w := range sortByWrite(batch) {
			for len(w.items) > 0 {
				n := settleLen(w.items)
				s.write(w.send, w.items[:n])
				w.items = w.items[n:]
			}
		}
	}
}

func settleLen(items []settlement) int {
	bytes := 0
	for i, it := range items {
		bytes += len(it.returned)
		if i > 0 && (i == batchTasks || bytes > batchBytes) {
			return i
		}
	}
	return len(items)
}

// write sends items until the store has answered for each. What it does not answer for within
// a lease's time is given up: the task will be taken back.
func (s *settler) write(send sendFunc, items []settlement) {
	w := s.worker
	again := newPause(50*time.Millisecond, time.Second)
	doubt := false
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(w.base, w.callTimeout())
		err := send(ctx, w.store, items)
		cancel()
		var batch *store.BatchError
		switch {
		case err == nil:
			s.applied(items, nil, doubt)
			return
		case errors.As(err, &batch):
			s.applied(items, batch.Refused, doubt)
			return
		case time.Since(began) > w.config.Lease:
			w.trouble("settle given up", err)
			for _, it := range items {
				w.ended(it.run, Unknown, err)
			}
			w.drop(runsOf(items)...)
			return
		case passing(err): // nothing was changed, so there is no doubt
			w.trouble("settle failed, trying again", err)
			_ = again.wait(context.Background())
			continue
		case store.IsDefinite(err) && len(items) == 1:
			s.applied(items, []store.Refusal{{Err: err}}, doubt)
			return
		case store.IsDefinite(err): // one bad item must not take the others with it
			for i := range items {
				s.write(send, items[i:i+1])
			}
			return
		}
		doubt = true
		w.trouble("settle in doubt, asking again", err)
		_ = again.wait(context.Background())
	}
}

// passing reports whether a definite error is no fault of what was to be written: the same call
// may succeed later.
func passing(err error) bool {
	return store.IsDefinite(err) && (errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}

// applied reports what became of items, all of which were applied but the refused.
func (s *settler) applied(items []settlement, refused []store.Refusal, doubt bool) {
	var why map[int]error // nil, as nearly always, if there is none
	if len(refused) > 0 {
		why = make(map[int]error, len(refused))
	}
	for _, r := range refused {
		why[r.Index] = r.Err
	}
	settled := make([]*run, 0, len(items))
	for i, it := range items {
		outcome, err := it.outcome, it.err
		switch refusal := why[i]; {
		case refusal == nil:
		case errors.Is(refusal, store.ErrLeaseLost) && (doubt || it.doubt):
			outcome, err = Unknown, refusal
		case errors.Is(refusal, store.ErrLeaseLost):
			outcome, err = Lost, refusal
		case it.outcome == Completed: // a result that the store does not take
			s.submit(settlement{it.run, verdict{outcome: Failed, err: refusal}})
			continue
		default:
			s.worker.trouble("settle refused", refusal)
			outcome, err = Lost, refusal
		}
		s.worker.ended(it.run, outcome, err)
		settled = append(settled, it.run)
	}
	s.worker.drop(settled...) // whoever waits for that finds that all were reported
}

func runsOf(items []settlement) []*run {
	runs := make([]*run, len(items))
	for i, it := range items {
		runs[i] = it.run
	}
	return runs
}
