package postgres

import (
	"context"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Wait implements [store.Waiter]. It hears what this process does, at once, and unless [Pooler]
// or [Notify] forbids it, what others do, by NOTIFY. Tasks that fall due by and by, and what was
// not heard, the engine finds by polling.
func (s *Store) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	if s.notify && !s.pooler {
		s.listen.Do(func() { s.beside.Go(s.hear) })
	}
	return s.board.Wait(ctx, s.beside.Done(), queues)
}

// announce gives news to those who wait in this process, and sends it to the others.
func (s *Store) announce(n *wake.News) {
	if len(n.Queues) == 0 {
		return
	}
	s.board.Announce(n)
	if s.notify {
		s.mailbox.put(n)
	}
}
