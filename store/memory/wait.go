package memory

import (
	"context"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A waiter is a Wait under way. The store's mutex guards its hint.
type waiter struct {
	queues []string
	hint   store.Hint
	due    bool          // there is a hint
	woken  chan struct{} // look again
}

// Wait implements [store.Waiter]. It also returns when the next task of the queues falls due,
// or the next lease ends. What is due already at the call is no news, and not waited for.
func (s *Store) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	w := &waiter{queues: slices.Clone(queues), woken: make(chan struct{}, 1)}
	if err := s.enter(ctx); err != nil {
		return store.Hint{}, err
	}
	s.waiters[w] = struct{}{}
	next := s.nextDue(w)
	s.mu.Unlock()
	defer s.leave(w)
	for {
		var timer <-chan time.Time
		if next > 0 {
			timer = time.After(next)
		}
		select {
		case <-w.woken:
		case <-timer:
			return store.Hint{}, nil
		case <-ctx.Done():
			return store.Hint{}, store.Definite(ctx.Err())
		case <-s.done:
			return store.Hint{}, store.ErrClosed
		}
		if err := s.enter(ctx); err != nil {
			return store.Hint{}, err
		}
		hint, due := w.hint, w.due
		next = s.nextDue(w)
		s.mu.Unlock()
		if due {
			return hint, nil
		}
	}
}

func (s *Store) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiters, w)
}

// nextDue returns how long it is until a claim may find more than now; zero is for ever.
func (s *Store) nextDue(w *waiter) time.Duration {
	var next time.Duration
	sooner := func(at time.Time) {
		if d := at.Sub(s.now); d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	if len(s.ends) > 0 {
		sooner(s.ends[0].end)
	}
	for _, name := range w.queues {
		q := s.queues[name]
		if q == nil || q.Paused {
			continue
		}
		for _, lanes := range q.lanes {
			for _, l := range lanes {
				sooner((*l)[0].Due)
			}
		}
	}
	return next
}

// announce tells the waiters on a row's queue that it waits to be claimed.
func (s *Store) announce(r *row) {
	if s.undo != nil {
		return // after the commit: see announceAll
	}
	due := !r.Due.After(s.now)
	for w := range s.waiters {
		if slices.Contains(w.queues, r.Queue) {
			w.due = w.due || due
			w.wake()
		}
	}
}

// look makes the waiters on the queues look again for when the next task falls due: those that
// were due, and hid it in their lanes, are claimed.
func (s *Store) look(queues []string) {
	for w := range s.waiters {
		if slices.ContainsFunc(queues, func(q string) bool { return slices.Contains(w.queues, q) }) {
			w.wake()
		}
	}
}

func (s *Store) announceAll() {
	for w := range s.waiters {
		w.due = true
		w.wake()
	}
}

// announceCancel tells the waiters on a running row's queue that it is to be cancelled.
func (s *Store) announceCancel(r *row) {
	for w := range s.waiters {
		if slices.Contains(w.queues, r.Queue) {
			w.hint.Cancelled = append(w.hint.Cancelled, r.ID)
			w.due = true
			w.wake()
		}
	}
}

func (w *waiter) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}
