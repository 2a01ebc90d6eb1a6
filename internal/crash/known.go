package crash

import (
	"slices"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

// known are the tasks that the store has acknowledged. Its methods may be called concurrently.
type known struct {
	mu     sync.Mutex
	parent []int64 // tasks that write an effect, if there are any, and schedule a child
	plain  []int64
	since  []time.Time // when each was acknowledged
}

// add notes tasks that were scheduled.
func (k *known) add(calls ...*firefly.Call[firefly.None]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, call := range calls {
		task := call.Handle().Scheduled()
		if task.Name == parent.Name() {
			k.parent = append(k.parent, task.ID)
		} else {
			k.plain = append(k.plain, task.ID)
		}
		k.since = append(k.since, time.Now())
	}
}

// all returns all ids.
func (k *known) all() []int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Concat(k.parent, k.plain)
}

func (k *known) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.since)
}

// within counts the tasks that were acknowledged in the last while.
func (k *known) within(d time.Duration) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, at := range slices.Backward(k.since) {
		if time.Since(at) > d {
			break
		}
		n++
	}
	return n
}
