package postgres

import (
	"context"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// idBlockSize is how many ids a value of the sequence id_block stands for.
const idBlockSize = 1000

// idBlocks are ranges of ids that are this process's to give. Values of a sequence are not given
// twice, whatever becomes of the transaction; they are fetched outside of any.
type idBlocks struct {
	mu     sync.Mutex
	ranges []idRange
}

type idRange struct{ next, end int64 }

// take fills ids as far as there are any and returns the rest.
func (b *idBlocks) take(ids []*int64) []*int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(ids) > 0 && len(b.ranges) > 0 {
		r := &b.ranges[0]
		*ids[0] = r.next
		ids = ids[1:]
		if r.next++; r.next == r.end {
			b.ranges = b.ranges[1:]
		}
	}
	return ids
}

func (b *idBlocks) add(block int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ranges = append(b.ranges, idRange{(block-1)*idBlockSize + 1, block*idBlockSize + 1})
}

// number gives ids to those tasks that have none.
func (s *Store) number(ctx context.Context, tasks []store.NewTask, valid []int) error {
	var none []*int64
	for _, i := range valid {
		if tasks[i].ID == 0 {
			none = append(none, &tasks[i].ID)
		}
	}
	for {
		if none = s.ids.take(none); len(none) == 0 {
			return nil
		}
		blocks := (len(none) + idBlockSize - 1) / idBlockSize
		err := s.call(ctx, func(q *session) error {
			return q.query(ctx, s.sql.ids, []any{blocks}, func(r scanner) error {
				var block int64
				err := r.Scan(&block)
				if err == nil {
					s.ids.add(block)
				}
				return err
			})
		})
		if err != nil {
			return store.Definite(err) // ids that are lost are no loss
		}
	}
}
