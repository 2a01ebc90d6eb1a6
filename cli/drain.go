package cli

import (
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

// A drain finds out when nothing is due for some workers: when none holds a task, and each has looked
// some times and found nothing since the last of all their tasks ended. For until then a task can have
// scheduled others, on any of the queues.
type drain struct {
	done func()

	mu      sync.Mutex
	held    int // tasks that have not ended
	changed time.Time
	looks   []looks // by worker
}

// looks are a worker's claims, which it makes one after the other.
type looks struct {
	last  time.Time // when the last one ended, so that the next has begun after it
	empty int       // how many found nothing, and began after the last change
}

const (
	// One empty look is not enough for stores that bound how far one goes: past tasks of other
	// names, and for what the workers that died left.
	enoughLooks = 3
	// A task that is due at once is due when a coarse clock next ticks.
	coarsest = 10 * time.Millisecond
)

func newDrain(workers int, done func()) *drain {
	return &drain{done: done, changed: time.Now(), looks: make([]looks, workers)}
}

// hooks returns hooks for a worker that also call its own.
func (d *drain) hooks(worker int, own firefly.Hooks) firefly.Hooks {
	h := own
	h.Claimed = func(tasks int, took time.Duration) {
		if own.Claimed != nil {
			own.Claimed(tasks, took)
		}
		d.claimed(worker, tasks)
	}
	h.Ended = func(info firefly.Info, end firefly.End) {
		if own.Ended != nil {
			own.Ended(info, end)
		}
		d.ended()
	}
	return h
}

func (d *drain) claimed(worker, tasks int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := &d.looks[worker]
	switch {
	case tasks > 0:
		d.held += tasks
		d.change()
	case l.last.After(d.changed.Add(coarsest)):
		l.empty++
	}
	l.last = time.Now()
	if d.idle() {
		d.done()
	}
}

func (d *drain) ended() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held--
	d.change()
}

// change makes all looks before it worthless.
func (d *drain) change() {
	d.changed = time.Now()
	for i := range d.looks {
		d.looks[i].empty = 0
	}
}

func (d *drain) idle() bool {
	for _, l := range d.looks {
		if l.empty < enoughLooks {
			return false
		}
	}
	return d.held == 0
}
