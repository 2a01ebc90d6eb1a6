package sqlite

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// Wait implements [store.Waiter]. It hears what this process does, at once. What other
// processes do, and tasks that fall due by and by, the engine finds by polling.
func (s *Store) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	return s.board.Wait(ctx, s.done, queues)
}
