package postgres

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/store"
)

// floors are how far this process has claimed in each lane: where the next claim begins to look,
// instead of stepping through the index's dead entries, of which there are as many as tasks were
// claimed since the last vacuum, or while some old snapshot is kept open. They save work and
// promise nothing: what falls due below a floor, in another process, is found by the look at
// everything that is due once a second, or when a claim comes back short.
type floors struct {
	mu     sync.Mutex
	looked map[string]time.Time // by names: when all was looked at
	due    map[floorKey]time.Time
}

type floorKey struct {
	names, queue string
	priority     int16
}

const (
	lookAtAll  = time.Second // how often a claim looks at all that is due
	floorSlack = time.Second // for tasks that become visible late, and clocks
)

// lanes are the arguments of a claim: in the order to claim from.
type lanes struct {
	names      string
	queues     []string
	priorities []int16
	floors     []pgtype.Timestamptz // nil: none
}

// lanes returns those of a claim's queues, each once.
func (f *floors) lanes(c *store.Claim) lanes {
	queues := c.Queues
	for i := range queues {
		if slices.Contains(queues[:i], queues[i]) {
			queues = distinct(queues)
			break
		}
	}
	l := lanes{names: strings.Join(c.Names, "\x00")}
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.use(l.names)
	for priority := int16(store.MaxPriority); priority >= store.MinPriority; priority-- {
		for _, queue := range queues {
			l.queues = append(l.queues, queue)
			l.priorities = append(l.priorities, priority)
			if known {
				at, ok := f.due[floorKey{l.names, queue, priority}]
				l.floors = append(l.floors, pgtype.Timestamptz{Time: at, Valid: ok})
			}
		}
	}
	return l
}

func distinct(queues []string) []string {
	var once []string
	for _, q := range queues {
		if !slices.Contains(once, q) {
			once = append(once, q)
		}
	}
	return once
}

// use reports whether the floors for some names are to be used. The mutex is held.
func (f *floors) use(names string) bool {
	now := time.Now()
	last, ok := f.looked[names]
	if ok && now.Sub(last) < lookAtAll {
		return true
	}
	if f.looked == nil {
		f.looked, f.due = map[string]time.Time{}, map[floorKey]time.Time{}
	}
	f.looked[names] = now
	return false
}

// raise notes what a claim took, in its order.
func (f *floors) raise(l lanes, tasks []store.Task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.looked[l.names]; !ok {
		return // forgotten meanwhile
	}
	for i := range tasks {
		t := &tasks[i]
		if i+1 < len(tasks) && tasks[i+1].Queue == t.Queue && tasks[i+1].Priority == t.Priority {
			continue // the last of a lane is the latest
		}
		f.due[floorKey{l.names, t.Queue, int16(t.Priority)}] = t.Due.Add(-floorSlack) //nolint:gosec // -2..2
	}
}

// forget lets the next claims look at everything: a task was made due since some time before.
func (f *floors) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.looked)
	clear(f.due)
}
