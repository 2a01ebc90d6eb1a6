package mongo

import (
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// holdings are what this process's claims hold, as far as it knows: the queues of tasks, to count them
// without a look, and which leases hold nothing any more, to be tidied up.
type holdings struct {
	mu    sync.Mutex
	all   map[store.LeaseID]*holding
	spent []store.LeaseID
	swept time.Time
}

type holding struct {
	queues map[int64]string
	ends   time.Time // by this machine's clock, unless it is extended
}

const (
	mostSpent    = 10_000      // that are remembered until they are tidied up
	holdingLasts = time.Minute // after the end of a lease that was not seen to be extended
)

func (h *holdings) add(lease store.LeaseID, tasks []store.Task, lasts time.Duration) {
	queues := make(map[int64]string, len(tasks))
	for i := range tasks {
		queues[tasks[i].ID] = tasks[i].Queue
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[store.LeaseID]*holding{}
	}
	now := time.Now()
	h.all[lease] = &holding{queues, now.Add(lasts)}
	if now.Sub(h.swept) > holdingLasts {
		h.swept = now
		for lease, of := range h.all {
			if now.Sub(of.ends) > holdingLasts {
				delete(h.all, lease)
			}
		}
	}
}

// extended notes that leases last longer.
func (h *holdings) extended(leases []store.LeaseID, lasts time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ends := time.Now().Add(lasts)
	for _, lease := range leases {
		if of := h.all[lease]; of != nil {
			of.ends = ends
		}
	}
}

// queues fills in the queues that are known.
func (h *holdings) queues(all []ending, into map[int64]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range all {
		if of := h.all[all[i].lease]; of != nil {
			if queue, ok := of.queues[all[i].id]; ok {
				into[all[i].id] = queue
			}
		}
	}
}

func (h *holdings) settled(all []settled) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range all {
		of := h.all[s.lease]
		if of == nil {
			continue
		}
		if delete(of.queues, s.id); len(of.queues) > 0 {
			continue
		}
		delete(h.all, s.lease)
		h.spend(s.lease)
	}
}

// nothing notes that a lease never came to hold anything.
func (h *holdings) nothing(lease store.LeaseID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spend(lease)
}

func (h *holdings) spend(lease store.LeaseID) {
	if len(h.spent) < mostSpent { // beyond that they end by themselves
		h.spent = append(h.spent, lease)
	}
}

// idle returns the leases that seem to hold nothing any more, once.
func (h *holdings) idle() []store.LeaseID {
	h.mu.Lock()
	defer h.mu.Unlock()
	spent := h.spent
	h.spent = nil
	return spent
}
