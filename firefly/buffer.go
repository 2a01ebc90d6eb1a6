package firefly

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// A buffer holds claimed tasks that wait for a slot, the most urgent first, in the order in
// which a claim takes them. The worker's mutex guards it.
type buffer []*run

// stale is how long a task may wait in the buffer. Past it, it is released: some other worker
// may have a free slot.
const stale = time.Second

func (b *buffer) put(r *run) { heap.Push(b, r) }

func (b *buffer) take() *run {
	r, _ := heap.Pop(b).(*run)
	return r
}

// takeBefore takes out those that were claimed before t.
func (b *buffer) takeBefore(t time.Time) []*run {
	var old []*run
	*b = slices.DeleteFunc(*b, func(r *run) bool {
		if r.claimed.Before(t) {
			old = append(old, r)
			return true
		}
		return false
	})
	heap.Init(b)
	return old
}

// Len, Less, Swap, Push and Pop are for package heap.
func (b *buffer) Len() int { return len(*b) }

func (b *buffer) Less(i, j int) bool {
	x, y := &(*b)[i].task, &(*b)[j].task
	return cmp.Or(cmp.Compare(y.Priority, x.Priority), x.Due.Compare(y.Due), cmp.Compare(x.ID, y.ID)) < 0
}

func (b *buffer) Swap(i, j int) { (*b)[i], (*b)[j] = (*b)[j], (*b)[i] }

func (b *buffer) Push(x any) {
	r, _ := x.(*run)
	*b = append(*b, r)
}

func (b *buffer) Pop() any {
	last := len(*b) - 1
	r := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return r
}
