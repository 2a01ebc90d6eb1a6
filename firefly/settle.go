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
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.base), w.callTimeout())
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
				w.settled(it.run, Unknown, err)
			}
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
	why := make(map[int]error, len(refused))
	for _, r := range refused {
		why[r.Index] = r.Err
	}
	for i, it := range items {
		switch err := why[i]; {
		case err == nil:
			s.worker.settled(it.run, it.outcome, it.err)
		case errors.Is(err, store.ErrLeaseLost) && (doubt || it.doubt):
			s.worker.settled(it.run, Unknown, err)
		case errors.Is(err, store.ErrLeaseLost):
			s.worker.settled(it.run, Lost, err)
		case it.outcome == Completed: // a result that the store does not take
			s.submit(settlement{it.run, verdict{outcome: Failed, err: err}})
		default:
			s.worker.trouble("settle refused", err)
			s.worker.settled(it.run, Lost, err)
		}
	}
}

// settled ends a run for good. Whoever waits for the task to be dropped finds that it was
// reported.
func (w *Worker) settled(r *run, outcome Outcome, err error) {
	w.ended(r, outcome, err)
	w.drop(r)
}
