// Package customstore is a complete store for Firefly in as few lines as it takes: the six
// methods over a map and a mutex. It is there to be read, and copied from, by whoever writes a
// store of his own; docs/writing-a-store.md walks through it.
package customstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// Store keeps tasks in memory. It forgets neither finished tasks nor used leases: a store for
// daily use does, once they are older than the ten minutes of rule 1.
type Store struct {
	writer
	clock func() time.Time
	mu    sync.Mutex
	all   table
}

// New returns an empty store on a clock.
func New(clock func() time.Time) *Store {
	s := &Store{clock: clock, all: table{
		lastID: new(int64), rows: map[int64]row{}, leases: map[store.LeaseID]bool{},
	}}
	s.writer = s.locked
	return s
}

// A table is all that is stored. Its rows are values, so a copy of the maps is a copy of it all.
type table struct {
	now    time.Time              // of the call that is under way
	lastID *int64                 // one for all copies: no id is ever given twice
	rows   map[int64]row          // live and finished
	leases map[store.LeaseID]bool // all that were ever claimed
	inTx   bool                   // it is the draft of a transaction
}

type row struct {
	store.Task
	endedBy store.LeaseID // the lease that completed or failed it
}

// locked is how all calls reach the table: one at a time.
func (s *Store) locked(ctx context.Context, _ int, change func(*table) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return store.Definite(err)
	}
	s.all.now = s.clock()
	return change(&s.all)
}

// ClaimDue implements [store.Store].
func (s *Store) ClaimDue(ctx context.Context, c store.Claim) (claimed []store.Task, err error) {
	if err := c.Validate(); err != nil || c.Limit <= 0 || len(c.Names) == 0 || len(c.Queues) == 0 {
		return nil, err
	}
	err = s.locked(ctx, 0, func(t *table) error {
		if !t.leases[c.Lease] {
			t.takeBack()
			t.lease(c)
		}
		for _, r := range t.inOrder(c, func(r row) bool { return r.Lease == c.Lease }) {
			claimed = append(claimed, r.Clone())
		}
		return nil
	})
	return claimed, err
}

func (t *table) takeBack() {
	for id, r := range t.rows {
		if r.Status == store.Running && !r.LeaseEnd.After(t.now) {
			_ = t.settle(id, r.Lease, store.Created, nil, func(r *row) { r.Crashes, r.Due = r.Crashes+1, r.LeaseEnd })
		}
	}
}

func (t *table) lease(c store.Claim) {
	t.leases[c.Lease] = true
	due := t.inOrder(c, func(r row) bool {
		return r.Status == store.Created && !r.Due.After(t.now) &&
			slices.Contains(c.Queues, r.Queue) && slices.Contains(c.Names, r.Name)
	})
	for _, r := range due[:min(c.Limit, len(due))] {
		r.Status, r.Lease, r.LeaseEnd, r.Worker = store.Running, c.Lease, t.now.Add(c.For), c.Worker
		t.rows[r.ID] = r
	}
}

// inOrder returns the rows that match, in the order of rule 8.
func (t *table) inOrder(c store.Claim, match func(row) bool) []row {
	rows := slices.Collect(maps.Values(t.rows))
	rows = slices.DeleteFunc(rows, func(r row) bool { return !match(r) })
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(
			cmp.Compare(b.Priority, a.Priority),
			cmp.Compare(slices.Index(c.Queues, a.Queue), slices.Index(c.Queues, b.Queue)),
			a.Due.Compare(b.Due),
			cmp.Compare(a.ID, b.ID))
	})
	return rows
}

// WithTx implements [store.Store]. It lets fn write to a copy, which takes the place of the
// original if all goes well. Meanwhile everyone else waits, so fn must not use the store itself.
func (s *Store) WithTx(ctx context.Context, fn func(context.Context, store.Writer) error) error {
	return s.locked(ctx, 0, func(t *table) error {
		ctx, end := context.WithCancelCause(ctx)
		defer end(store.ErrTxDone)
		draft := *t
		draft.rows, draft.inTx = maps.Clone(t.rows), true
		var refused error
		writes := 0
		err := fn(ctx, writer(func(call context.Context, n int, change func(*table) error) error {
			if err := cmp.Or(context.Cause(ctx), call.Err()); err != nil {
				return store.Definite(err)
			}
			err := store.ErrTxTooLarge
			if writes += n; writes <= store.MaxTx {
				err = change(&draft)
			}
			refused = cmp.Or(refused, err)
			return err
		}))
		if err = cmp.Or(err, refused, ctx.Err()); err == nil {
			t.rows = draft.rows
		}
		return store.Definite(err)
	})
}
