package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/store"
)

// A settling is a batch that is to be applied: its valid items, by their positions.
type settling struct {
	items []int
	key   func(i int) holding
	size  func(i int) int               // bytes that it takes in a call
	gives bool                          // tasks back: the answer has two columns
	call  func(h *held) (string, []any) // the statement and its arguments
}

// A holding is what an item says: that a lease holds a task.
type holding struct {
	id    int64
	lease store.LeaseID
}

// held are the items of one call: in the order of their ids, none of which comes twice.
type held struct {
	items  []int
	ids    []int64
	leases []pgtype.UUID
}

// apply settles items, in one call unless they are too many, or an id comes twice: those are
// applied as if they came one after the other.
func (q *session) apply(ctx context.Context, refused *store.BatchError, b *settling) error {
	calls := 0
	for _, round := range rounds(b) {
		err := inChunks(round, b.size, func(part []int) error {
			calls++
			return q.applyPart(ctx, refused, b, part)
		})
		if err != nil && calls > 1 {
			return unknown{err}
		}
		if err != nil {
			return err
		}
	}
	slices.SortFunc(refused.Refused, func(x, y store.Refusal) int { return cmp.Compare(x.Index, y.Index) })
	return nil
}

// unknown is an error that comes when a part of the batch was applied: it proves nothing, whatever
// it proved of its part.
type unknown struct{ err error }

func (e unknown) Error() string { return "after a part of the batch was applied: " + e.err.Error() }

// rounds sorts the items by id, and puts those whose id came before into further rounds.
func rounds(b *settling) [][]int {
	items := slices.Clone(b.items)
	slices.SortStableFunc(items, func(x, y int) int { return cmp.Compare(b.key(x).id, b.key(y).id) })
	var all [][]int
	for len(items) > 0 {
		round, rest := make([]int, 0, len(items)), []int(nil)
		for _, i := range items {
			if n := len(round); n > 0 && b.key(round[n-1]).id == b.key(i).id {
				rest = append(rest, i)
				continue
			}
			round = append(round, i)
		}
		all, items = append(all, round), rest
	}
	return all
}

func (q *session) applyPart(ctx context.Context, refused *store.BatchError, b *settling, part []int) error {
	h := &held{items: part, ids: make([]int64, len(part)), leases: make([]pgtype.UUID, len(part))}
	for at, i := range part {
		k := b.key(i)
		h.ids[at], h.leases[at] = k.id, uuid(k.lease)
	}
	text, args := b.call(h)
	lost := 0
	err := q.query(ctx, text, args, func(r scanner) error {
		var id pgtype.Int8
		var queue pgtype.Text
		columns := []any{&id, &queue}
		if !b.gives {
			columns = columns[:1]
		}
		if err := r.Scan(columns...); err != nil {
			return err
		}
		if !id.Valid {
			q.news.Due(queue.String)
			return nil
		}
		lost++
		at, _ := slices.BinarySearch(h.ids, id.Int64)
		refused.Refuse(part[at], id.Int64, store.ErrLeaseLost)
		return nil
	})
	if err == nil && lost == 0 {
		for _, i := range part {
			q.settled = append(q.settled, b.key(i).lease)
		}
	}
	q.gaveBack = q.gaveBack || b.gives
	return err
}

// committed tells this process what a call, or a transaction, has changed.
func (q *session) committed() {
	if q.gaveBack {
		q.floors.forget() // a task that was released is due since before
	}
	q.leases.settled(q.settled)
	q.work.wrote()
	q.announce(&q.news)
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
