package firefly

import (
	"context"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A lease holds the tasks of one claim call that are not settled yet. The worker's mutex
// guards it.
type lease struct {
	id       store.LeaseID
	runs     map[int64]*run
	deadline time.Time // past it the tasks may be another worker's
	timer    *time.Timer
}

// start takes up claimed tasks and runs them.
func (w *Worker) start(c claimed) {
	l := &lease{id: c.lease, runs: make(map[int64]*run, len(c.tasks)), deadline: c.deadline}
	runs := make([]run, len(c.tasks))
	now := time.Now()
	for i := range runs {
		runs[i].init(w, &c.tasks[i], l, now)
		l.runs[c.tasks[i].ID] = &runs[i]
	}
	w.mu.Lock()
	w.leases[l.id] = l
	w.held += len(runs)
	if time.Until(l.deadline) <= 0 { // the claim's reply took too long
		l.lose()
	}
	l.timer = time.AfterFunc(time.Until(l.deadline), func() { w.expire(l) })
	w.mu.Unlock()
	w.enqueue(runs)
}

// expire cancels the handlers of a lease that was not extended in time.
func (w *Worker) expire(l *lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if left := time.Until(l.deadline); left > 0 {
		l.timer.Reset(left)
		return
	}
	l.lose()
}

func (l *lease) lose() { l.cancel(store.ErrLeaseLost) }

func (l *lease) cancel(cause error) {
	for _, r := range l.runs {
		r.cancel(cause)
	}
}

// drop ends w's hold on tasks.
func (w *Worker) drop(runs ...*run) {
	w.mu.Lock()
	for _, r := range runs {
		delete(r.lease.runs, r.task.ID)
		if len(r.lease.runs) == 0 {
			r.lease.timer.Stop()
			delete(w.leases, r.lease.id)
		}
	}
	w.held -= len(runs)
	w.tell()
	w.mu.Unlock()
	suspects := 0
	for _, r := range runs {
		r.cancel(nil)
		if isSuspect(&r.task) {
			suspects++
		}
	}
	w.quarantine.drop(len(runs), suspects)
}

// tell wakes the claimer, or whoever waits for the end, if there is a reason. The worker's mutex
// is held.
func (w *Worker) tell() {
	if w.closing || w.wanted() > 0 {
		signal(w.freed)
	}
}

// cancelTask cancels the runs of a task.
func (w *Worker) cancelTask(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.leases {
		if r := l.runs[id]; r != nil {
			r.cancel(ErrCancelled)
		}
	}
}

// heartbeat extends all leases, every third of a lease's time, in one call.
func (w *Worker) heartbeat(ctx context.Context) {
	if w.extender == nil {
		return
	}
	timer := time.NewTimer(w.config.Lease / 3)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		next := w.config.Lease / 3
		if err := w.extend(ctx); err != nil && ctx.Err() == nil {
			w.trouble("extend leases", err)
			next = w.config.Lease / 10
		}
		timer.Reset(next)
	}
}

func (w *Worker) extend(ctx context.Context) error {
	w.mu.Lock()
	ids := make([]store.LeaseID, 0, len(w.leases))
	for id := range w.leases {
		ids = append(ids, id)
	}
	w.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, w.callTimeout())
	defer cancel()
	extended, err := w.extender.Extend(ctx, w.config.Lease, ids)
	if err != nil {
		return err
	}
	if len(extended) != len(ids) {
		return fmt.Errorf("the store answered for %d of %d leases", len(extended), len(ids))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range extended {
		l := w.leases[ids[i]]
		switch {
		case l == nil: // settled meanwhile
		case e.Lost:
			l.lose()
		default:
			l.deadline = sent.Add(safe(w.config.Lease))
			for _, id := range e.Cancelled {
				if r := l.runs[id]; r != nil {
					r.cancel(ErrCancelled)
				}
			}
		}
	}
	return nil
}
