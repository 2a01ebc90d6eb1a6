// Package ids keeps the ids that a process may give: stores fetch them from their servers in blocks,
// outside of any transaction, so that none is given twice.
package ids

import (
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// Ranges are ids to give. The zero Ranges is empty and ready for use, also concurrently.
type Ranges struct {
	mu  sync.Mutex
	all []span
}

type span struct{ next, end int64 }

// Add adds the ids from first on, without end.
func (r *Ranges) Add(first, end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, span{first, end})
}

// Take fills in ids as far as there are any, and returns the places that are left.
func (r *Ranges) Take(places []*int64) []*int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(places) > 0 && len(r.all) > 0 {
		s := &r.all[0]
		*places[0] = s.next
		places = places[1:]
		if s.next++; s.next == s.end {
			r.all = r.all[1:]
		}
	}
	return places
}

// Number gives ids to those tasks, at the valid places, that have none. When they run out it calls fetch
// to add about n more, or any other number. Its error is definite then: ids that are lost are no loss.
func (r *Ranges) Number(tasks []store.NewTask, valid []int, fetch func(n int) error) error {
	var none []*int64
	for _, i := range valid {
		if tasks[i].ID == 0 {
			none = append(none, &tasks[i].ID)
		}
	}
	for {
		if none = r.Take(none); len(none) == 0 {
			return nil
		}
		if err := fetch(len(none)); err != nil {
			return store.Definite(err)
		}
	}
}
