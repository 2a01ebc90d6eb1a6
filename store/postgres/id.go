package postgres

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// idBlock is how many ids a value of the sequence id_block stands for. Values of a sequence are not
// given twice, whatever becomes of the transaction.
const idBlock = 1000

// number gives ids to those tasks that have none.
func (s *Store) number(ctx context.Context, tasks []store.NewTask, valid []int) error {
	var none []*int64
	for _, i := range valid {
		if tasks[i].ID == 0 {
			none = append(none, &tasks[i].ID)
		}
	}
	for {
		if none = s.ids.Take(none); len(none) == 0 {
			return nil
		}
		blocks := (len(none) + idBlock - 1) / idBlock
		err := s.call(ctx, func(q *session) error {
			return q.query(ctx, s.sql.ids, []any{blocks}, func(r scanner) error {
				var block int64
				err := r.Scan(&block)
				if err == nil {
					s.ids.Add((block-1)*idBlock+1, block*idBlock+1)
				}
				return err
			})
		})
		if err != nil {
			return store.Definite(err) // ids that are lost are no loss
		}
	}
}
