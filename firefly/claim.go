package firefly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const (
	shortestPoll = 50 * time.Millisecond
	mostClaimed  = 1000 // by one call
)

// wanted returns how many tasks are worth a claim: those for free slots, and some in advance if
// handlers are quick and the store can extend leases. It waits with a small claim in advance as
// long as there is something left. Settling may fall behind the handlers, but not without
// bound. The worker's mutex is held.
func (w *Worker) wanted() int {
	ahead := 0
	if w.extender != nil {
		ahead = w.pace.prefetch(w.config.Concurrency)
	}
	n := w.config.Concurrency + ahead - w.running - w.buffer.Len()
	if n < ahead/2 && w.buffer.Len() > 0 {
		return 0
	}
	return min(n, 2*(w.config.Concurrency+ahead)-w.held, mostClaimed)
}

// claimUntil claims and starts tasks until ctx ends, or the store refuses for good.
func (w *Worker) claimUntil(ctx context.Context) error {
	poll := newPause(min(shortestPoll, w.config.PollInterval), w.config.PollInterval)
	var caution caution
	for turn := 0; ctx.Err() == nil; turn++ {
		n := caution.bound(w.awaitSlots(ctx))
		if n == 0 || !w.quarantine.enter(ctx) {
			return nil
		}
		claimed, err := w.claim(ctx, n, turn)
		suspects := countSuspects(claimed.tasks)
		w.quarantine.leave(len(claimed.tasks), suspects)
		switch {
		case hopeless(err):
			return fmt.Errorf("firefly: claim: %w", err)
		case err != nil:
			w.trouble("claim", err)
		case len(claimed.tasks) > 0:
			poll.reset()
			caution.note(suspects)
			w.start(claimed)
		}
		if len(claimed.tasks) < n {
			w.awaitWork(ctx, poll)
		}
	}
	return nil
}

// hopeless reports whether no later claim can succeed either.
func hopeless(err error) bool {
	return errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrInvalid) || errors.Is(err, errors.ErrUnsupported)
}

// awaitSlots returns how many tasks to claim, once there is one; zero when ctx ended.
func (w *Worker) awaitSlots(ctx context.Context) int {
	for ctx.Err() == nil {
		w.mu.Lock()
		n := w.wanted()
		w.mu.Unlock()
		if n > 0 {
			return n
		}
		select {
		case <-w.freed:
		case <-ctx.Done():
		}
	}
	return 0
}

// awaitWork waits until there may be work.
func (w *Worker) awaitWork(ctx context.Context, poll *pause) {
	timer := time.NewTimer(poll.take())
	defer timer.Stop()
	select {
	case <-w.hinted:
		poll.reset()
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A claimed batch of tasks, and until when, by this machine's monotonic clock, they are safely
// ours: counted from before the claim was first sent, less a tenth of the lease.
type claimed struct {
	lease    store.LeaseID
	tasks    []store.Task
	deadline time.Time
}

// claim leases up to n tasks, starting with another queue each turn, so that none starves the
// others. A claim in doubt is asked for again under the same lease, also when the store was not
// available meanwhile. The call outlives ctx: a
// claim that is cut short holds its tasks until the lease ends.
func (w *Worker) claim(ctx context.Context, n, turn int) (claimed, error) {
	first := turn % len(w.config.Queues)
	c := store.Claim{
		Queues: append(w.config.Queues[first:len(w.config.Queues):len(w.config.Queues)], w.config.Queues[:first]...),
		Names:  w.names, Limit: n, Lease: store.NewLeaseID(), For: w.config.Lease, Worker: w.config.Name,
	}
	sent := time.Now()
	again := newPause(shortestPoll, time.Second)
	for doubt := false; ; {
		began := time.Now()
		tasks, err := w.claimOnce(c)
		if err == nil {
			if hook := w.config.Hooks.Claimed; hook != nil {
				hook(len(tasks), time.Since(began))
			}
			return claimed{c.Lease, tasks, sent.Add(safe(c.For))}, nil
		}
		known := store.IsDefinite(err) && (!doubt || !passing(err))
		if known || ctx.Err() != nil || time.Since(sent) > c.For {
			return claimed{}, err
		}
		doubt = true
		w.trouble("claim in doubt, asking again", err)
		_ = again.wait(ctx) // asked once more when ctx has ended
	}
}

func (w *Worker) claimOnce(c store.Claim) ([]store.Task, error) {
	ctx, cancel := context.WithTimeout(w.base, w.callTimeout())
	defer cancel()
	return w.store.ClaimDue(ctx, c)
}

// callTimeout bounds a call to the store: there must be time for another one within the lease.
func (w *Worker) callTimeout() time.Duration { return min(w.config.Lease/3, 10*time.Second) }

// safe is how long a lease of length d is relied on.
func safe(d time.Duration) time.Duration { return d - d/10 }

// listen waits for the store's hints.
func (w *Worker) listen(ctx context.Context) {
	waiter, ok := store.As[store.Waiter](w.store)
	if !ok {
		return
	}
	again := newPause(shortestPoll, time.Second)
	for ctx.Err() == nil {
		hint, err := waiter.Wait(ctx, w.config.Queues)
		switch {
		case hopeless(err):
			return
		case err != nil:
			_ = again.wait(ctx)
			continue
		}
		again.reset()
		for _, id := range hint.Cancelled {
			w.cancelTask(id)
		}
		signal(w.hinted)
	}
}
