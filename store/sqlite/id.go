package sqlite

import (
	"context"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// An idBlock is a range of ids that are this process's to give. They are reserved by a
// transaction of their own before they are needed: one that is rolled back would bring the ids
// back that it gave.
type idBlock struct {
	mu        sync.Mutex
	next, end int64
}

const blockSize = 10 * store.MaxTx

// give returns the next id; false if there is none.
func (b *idBlock) give() (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == b.end {
		return 0, false
	}
	b.next++
	return b.next - 1, true
}

// skip makes sure that an id that a caller brought is not given. It returns false if the block
// does not reach so far.
func (b *idBlock) skip(id int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id >= b.next && id < b.end {
		b.next = id + 1
	}
	return id < b.end
}

func (b *idBlock) holds(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end-b.next >= int64(n)
}

func (b *idBlock) replace(next, end int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next, b.end = next, end
}

// reserve makes sure that n ids are there. The write lock is the caller's.
func (s *Store) reserve(ctx context.Context, n int) error {
	if s.ids.holds(n) {
		return nil
	}
	size := int64(max(blockSize, n))
	var end int64
	err := s.transact(ctx, func(q *session) error {
		return q.row("UPDATE firefly_counter SET next = next + ? RETURNING next", []any{size}, &end)
	})
	if err == nil {
		s.ids.replace(end-size, end) // what is left of the block before is given up
	}
	return err
}

// number returns the id for a task: its own, if it is a repeat.
func (q *session) number(id int64) (int64, error) {
	if id == 0 {
		id, ok := q.ids.give()
		if !ok {
			return 0, store.ErrTxTooLarge // a transaction of the application's own, of thousands
		}
		return id, nil
	}
	if q.ids.skip(id) {
		return id, nil
	}
	return id, q.exec("UPDATE firefly_counter SET next = max(next, ?)", id+1)
}
