// Package wake is what the stores of this module share of [store.Waiter]: a board on which one
// part of a process says that there may be work, and others wait for that.
package wake

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// News is what a write has to tell those who wait. The zero News is empty.
type News struct {
	Queues  []string           // in which a task may be due, or is to be cancelled
	Cancels map[string][]int64 // running tasks that are to be cancelled, by queue
}

// Due notes that a task of a queue may be due.
func (n *News) Due(queue string) {
	if !slices.Contains(n.Queues, queue) {
		n.Queues = append(n.Queues, queue)
	}
}

// Cancelled notes that a running task of a queue is to be cancelled.
func (n *News) Cancelled(queue string, id int64) {
	if n.Cancels == nil {
		n.Cancels = map[string][]int64{}
	}
	n.Due(queue)
	n.Cancels[queue] = append(n.Cancels[queue], id)
}

// A Board knows who waits. The zero Board is ready for use, also concurrently.
type Board struct {
	mu  sync.Mutex
	all []*waiter
}

// A waiter waits again and again, so news is kept for it between two waits.
type waiter struct {
	queues  []string
	hints   chan store.Hint // of one hint, made of all that were not fetched yet
	waiting bool
	left    time.Time // when it last waited
}

const (
	forgetAfter = time.Minute // a waiter that has not come back
	mostCancels = 1000        // in a hint that is not fetched; heartbeats tell of the others
)

// Announce gives news to those who wait for it.
func (b *Board) Announce(n *News) {
	if len(n.Queues) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.all {
		var hint store.Hint
		heard := false
		for _, queue := range n.Queues {
			if slices.Contains(to.queues, queue) {
				heard = true
				hint.Cancelled = append(hint.Cancelled, n.Cancels[queue]...)
			}
		}
		if heard {
			to.tell(hint)
		}
	}
}

// AnnounceAll wakes all who wait: something may have been missed.
func (b *Board) AnnounceAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.all {
		to.tell(store.Hint{})
	}
}

// tell leaves a hint. The board's mutex is held.
func (w *waiter) tell(hint store.Hint) {
	select {
	case before := <-w.hints:
		hint.Cancelled = append(before.Cancelled, hint.Cancelled...)
		hint.Cancelled = hint.Cancelled[:min(len(hint.Cancelled), mostCancels)]
	default:
	}
	w.hints <- hint
}

// Wait is [store.Waiter]'s. It ends with [store.ErrClosed] when done is closed.
func (b *Board) Wait(ctx context.Context, done <-chan struct{}, queues []string) (store.Hint, error) {
	if err := context.Cause(ctx); err != nil {
		return store.Hint{}, store.Definite(err)
	}
	select {
	case <-done:
		return store.Hint{}, store.ErrClosed
	default:
	}
	w := b.enter(queues)
	defer b.leave(w)
	select {
	case hint := <-w.hints:
		return hint, nil
	case <-ctx.Done():
		return store.Hint{}, store.Definite(context.Cause(ctx))
	case <-done:
		return store.Hint{}, store.ErrClosed
	}
}

// enter returns a waiter for the queues that nobody uses: one that was left a moment ago, with what
// it missed, or a new one.
func (b *Board) enter(queues []string) *waiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.all {
		if !w.waiting && slices.Equal(w.queues, queues) {
			w.waiting = true
			return w
		}
	}
	w := &waiter{queues: slices.Clone(queues), hints: make(chan store.Hint, 1), waiting: true}
	b.all = append(b.all, w)
	return w
}

func (b *Board) leave(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	w.waiting, w.left = false, now
	b.all = slices.DeleteFunc(b.all, func(w *waiter) bool { return !w.waiting && now.Sub(w.left) > forgetAfter })
}
