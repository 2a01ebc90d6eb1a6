package history

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fireflytasks/go-firefly/store"
)

// A recorder notes the calls of all clients.
type recorder struct {
	queue  string
	start  time.Time
	ending bool // some leases end

	mu         sync.Mutex
	ids        []int64                   // that may have been inserted
	leases     map[store.LeaseID]int     // numbered
	seen       map[int64][]store.LeaseID // by task: those that held it, or may have
	operations []operation
}

// newRecorder begins a history. Leases end in one of three.
func newRecorder(number int) *recorder {
	return &recorder{
		queue: fmt.Sprintf("history-%d", number), start: time.Now(), ending: number%3 == 0,
		leases: map[store.LeaseID]int{}, seen: map[int64][]store.LeaseID{},
	}
}

// An operation is a call, of one task or, if it is a claim, of all.
type operation struct {
	porcupine.Operation

	task int64
	got  map[int64]output // of a claim
}

// note notes a call about a task.
func (h *recorder) note(client int, task int64, in input, began time.Duration, out output) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, operation{h.operation(client, in, began, out), task, nil})
}

// noteClaim notes a claim, which is about all tasks.
func (h *recorder) noteClaim(client int, c store.Claim, began time.Duration, out output, tasks []store.Task) {
	in := input{action: claim, lease: h.known(c.Lease), short: c.For == short}
	got := map[int64]output{}
	for i := range tasks {
		got[tasks[i].ID] = output{did: true, state: h.view(&tasks[i])}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range got {
		h.seen[id] = append(h.seen[id], c.Lease)
	}
	h.operations = append(h.operations, operation{h.operation(client, in, began, out), 0, got})
}

func (h *recorder) operation(client int, in input, began time.Duration, out output) porcupine.Operation {
	returned := time.Since(h.start).Nanoseconds()
	if out.doubt { // it may take effect at any time, or never, which is after everything else
		returned = math.MaxInt64
	}
	return porcupine.Operation{ClientId: client, Input: in, Call: began.Nanoseconds(), Output: out, Return: returned}
}

// byTask returns the calls that are about each task.
func (h *recorder) byTask() map[int64][]porcupine.Operation {
	tasks := map[int64][]porcupine.Operation{}
	for _, id := range h.ids {
		seen := h.seenOn(id)
		for _, o := range h.operations {
			if o.task != 0 && o.task != id {
				continue
			}
			one := o.Operation
			if out, ok := o.got[id]; ok {
				one.Output = out
			}
			if o.task == id || h.matters(one, seen) {
				tasks[id] = append(tasks[id], one)
			}
		}
	}
	return tasks
}

// seenOn returns the leases that anybody has seen on a task.
func (h *recorder) seenOn(id int64) map[int]bool {
	seen := map[int]bool{}
	for _, o := range h.operations {
		if out, ok := o.got[id]; ok {
			seen[out.state.lease] = true
		} else if o.task == id {
			seen[as[output](o.Output).state.lease] = true
		}
	}
	return seen
}

// matters reports whether a claim may have changed a task. In a history without leases that end, one
// that nobody has seen the task held by has not: it would hold it still. To leave those out makes the
// search short.
func (h *recorder) matters(claim porcupine.Operation, seen map[int]bool) bool {
	return h.ending || seen[as[input](claim.Input).lease]
}

// known returns a small number for a lease; zero for none.
func (h *recorder) known(lease store.LeaseID) int {
	if lease.IsZero() {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.leases[lease]; !ok {
		h.leases[lease] = len(h.leases) + 1
	}
	return h.leases[lease]
}

// view is what the model knows of a task. Whether a task that has ended still shows that its
// cancellation was asked for is the store's affair.
func (h *recorder) view(t *store.Task) view {
	return view{t.Status, h.known(t.Lease), t.Retries, t.Crashes, t.CancelRequested && t.Status == store.Running}
}
