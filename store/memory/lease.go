package memory

import (
	"container/heap"
	"context"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A lease holds the rows of one claim call. An empty one is remembered for a while, so that a
// repeated claim claims nothing else.
type lease struct {
	id    store.LeaseID
	end   time.Time
	rows  map[int64]*row
	index int // in the heap of ends, while it holds rows
}

// rememberedLeases is how many empty leases are remembered.
const rememberedLeases = 10_000

// lease returns the lease with that id, new if there is none.
func (s *Store) lease(id store.LeaseID, end time.Time) *lease {
	l := s.leases[id]
	if l == nil {
		l = &lease{id: id, end: end, rows: map[int64]*row{}}
		s.leases[id] = l
	}
	return l
}

// retire notes that a lease is empty, and forgets the one that has been so the longest.
func (s *Store) retire(l *lease) {
	s.spent = append(s.spent, l)
	if len(s.spent) <= rememberedLeases {
		return
	}
	if first := s.spent[0]; len(first.rows) == 0 {
		delete(s.leases, first.id)
	}
	s.spent[0] = nil
	s.spent = s.spent[1:]
}

// hold enters a running row into its lease; let takes it out.
func (s *Store) hold(r *row) {
	l := s.lease(r.Lease, r.LeaseEnd)
	if len(l.rows) == 0 {
		heap.Push(&s.ends, l)
	}
	l.rows[r.ID] = r
}

func (s *Store) let(r *row) {
	l := s.leases[r.Lease]
	delete(l.rows, r.ID)
	if len(l.rows) == 0 {
		heap.Remove(&s.ends, l.index)
		s.retire(l)
	}
}

// takeBack makes the rows of all ended leases due since their lease's end.
func (s *Store) takeBack() {
	for len(s.ends) > 0 && !s.ends[0].end.After(s.now) {
		l := s.ends[0]
		for _, r := range l.rows {
			s.wait(r, l.end, store.LeaseID{}, nil, 0, 1)
		}
	}
}

// Extend implements [store.Extender].
func (s *Store) Extend(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := make([]store.Extended, len(ids))
	for i, id := range ids {
		l := s.leases[id]
		if l == nil || len(l.rows) == 0 {
			out[i].Lost = true
			continue
		}
		if end := s.now.Add(d); end.After(l.end) {
			l.end = end
			heap.Fix(&s.ends, l.index)
		}
		for _, r := range l.rows {
			if r.CancelRequested {
				out[i].Cancelled = append(out[i].Cancelled, r.ID)
			}
		}
	}
	return out, nil
}

// A leaseHeap is a heap of leases that hold rows, by their ends.
type leaseHeap []*lease

func (h leaseHeap) Len() int           { return len(h) }
func (h leaseHeap) Less(i, j int) bool { return h[i].end.Before(h[j].end) }

func (h leaseHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *leaseHeap) Push(x any) {
	l := x.(*lease) //nolint:forcetypeassert // heap.Push passes on what hold gave it
	l.index = len(*h)
	*h = append(*h, l)
}

func (h *leaseHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}
