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
	return s.ids.Number(tasks, valid, func(n int) error {
		blocks := (n + idBlock - 1) / idBlock
		return s.call(ctx, func(q *session) error {
			return q.query(ctx, s.sql.ids, []any{blocks}, func(r scanner) error {
				var block int64
				err := r.Scan(&block)
				if err == nil {
					s.ids.Add((block-1)*idBlock+1, block*idBlock+1)
				}
				return err
			})
		})
	})
}
