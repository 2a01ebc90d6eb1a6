package sqlite

import (
	"context"
	"slices"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// wakes are the hints that a transaction gives when it has committed.
type wakes struct {
	queues  []string
	cancels map[string][]int64
}

// due notes that a task of a queue waits.
func (w *wakes) due(queue string) {
	if !slices.Contains(w.queues, queue) {
		w.queues = append(w.queues, queue)
	}
}

// cancelled notes that a running task of a queue is to be cancelled.
func (w *wakes) cancelled(queue string, id int64) {
	if w.cancels == nil {
		w.cancels = map[string][]int64{}
	}
	w.due(queue)
	w.cancels[queue] = append(w.cancels[queue], id)
}

// waiters are the calls of Wait that are under way in this process.
type waiters struct {
	mu  sync.Mutex
	all map[*waiter]struct{}
}

type waiter struct {
	queues []string
	hints  chan store.Hint // of one hint, made of all that were not fetched yet
}

func (ws *waiters) init() { ws.all = map[*waiter]struct{}{} }

// announce gives the hints of a transaction to those who wait for them.
func (ws *waiters) announce(w *wakes) {
	if len(w.queues) == 0 {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for to := range ws.all {
		var hint store.Hint
		heard := false
		for _, queue := range w.queues {
			if slices.Contains(to.queues, queue) {
				heard = true
				hint.Cancelled = append(hint.Cancelled, w.cancels[queue]...)
			}
		}
		if !heard {
			continue
		}
		select {
		case before := <-to.hints:
			hint.Cancelled = append(before.Cancelled, hint.Cancelled...)
		default:
		}
		to.hints <- hint
	}
}

// Wait implements [store.Waiter]. It hears what this process does, at once. What other
// processes do, and tasks that fall due by and by, the engine finds by polling.
func (s *Store) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	if err := ended(ctx); err != nil {
		return store.Hint{}, err
	}
	select {
	case <-s.done:
		return store.Hint{}, store.ErrClosed
	default:
	}
	w := &waiter{queues: slices.Clone(queues), hints: make(chan store.Hint, 1)}
	s.waiters.mu.Lock()
	s.waiters.all[w] = struct{}{}
	s.waiters.mu.Unlock()
	defer func() {
		s.waiters.mu.Lock()
		defer s.waiters.mu.Unlock()
		delete(s.waiters.all, w)
	}()
	select {
	case hint := <-w.hints:
		return hint, nil
	case <-ctx.Done():
		return store.Hint{}, ended(ctx)
	case <-s.done:
		return store.Hint{}, store.ErrClosed
	}
}
