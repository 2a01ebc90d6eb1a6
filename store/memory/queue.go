package memory

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const priorities = store.MaxPriority - store.MinPriority + 1

// A queue holds the rows that wait in it in lanes, one for each priority and name: so a claim
// passes over the names that it does not ask for at no cost.
type queue struct {
	store.QueueCounts
	lanes [priorities]map[string]*lane
}

// queue returns the queue of that name, new if there is none.
func (s *Store) queue(name string) *queue {
	q := s.queues[name]
	if q == nil {
		q = &queue{QueueCounts: store.QueueCounts{Queue: name}}
		s.queues[name] = q
	}
	return q
}

// count returns the queue's counter of a status.
func (q *queue) count(status store.Status) *int64 {
	switch status {
	case store.Created:
		return &q.Created
	case store.Running:
		return &q.Running
	case store.Completed:
		return &q.Completed
	case store.Failed:
		return &q.Failed
	default:
		return &q.Cancelled
	}
}

// idle reports whether nothing would be forgotten with the queue.
func (q *queue) idle() bool {
	return !q.Paused && q.Created+q.Running+q.Completed+q.Failed+q.Cancelled == 0
}

func (q *queue) push(r *row) {
	lanes := &q.lanes[r.Priority-store.MinPriority]
	if *lanes == nil {
		*lanes = map[string]*lane{}
	}
	l := (*lanes)[r.Name]
	if l == nil {
		l = &lane{}
		(*lanes)[r.Name] = l
	}
	heap.Push(l, r)
}

func (q *queue) pull(r *row) {
	lanes := q.lanes[r.Priority-store.MinPriority]
	l := lanes[r.Name]
	heap.Remove(l, r.index)
	if len(*l) == 0 {
		delete(lanes, r.Name)
	}
}

// next returns the first row of that priority and one of the names that is due; nil if none is.
func (q *queue) next(priority int, names []string, now time.Time) *row {
	var first *row
	lanes := q.lanes[priority-store.MinPriority]
	if len(lanes) == 0 {
		return nil
	}
	for _, name := range names {
		if l := lanes[name]; l != nil && !(*l)[0].Due.After(now) && (first == nil || before((*l)[0], first)) {
			first = (*l)[0]
		}
	}
	return first
}

// A lane is a heap of waiting rows by due time, then id.
type lane []*row

func before(a, b *row) bool { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) < 0 }

func (l lane) Len() int           { return len(l) }
func (l lane) Less(i, j int) bool { return before(l[i], l[j]) }

func (l lane) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *lane) Push(x any) {
	r := x.(*row) //nolint:forcetypeassert // heap.Push passes on what push gave it
	r.index = len(*l)
	*l = append(*l, r)
}

func (l *lane) Pop() any {
	last := len(*l) - 1
	r := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return r
}
