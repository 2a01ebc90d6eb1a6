package firefly

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// An inserter lets concurrent calls share inserts: while as many are under way as the store is good
// for, the others gather, and are sent together when one is done. Who comes alone goes at once, at no
// cost.
type inserter struct {
	insert func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error)
	most   int // under way at once

	mu    sync.Mutex
	busy  int // under way
	queue []*insertion
}

func newInserter(c *Client) *inserter {
	most := 1
	if s, ok := store.As[store.ConcurrentInserter](c.store); ok {
		most = max(most, s.ConcurrentInserts())
	}
	return &inserter{insert: c.insertUntilKnown, most: most}
}

// An insertion is one call's part of a shared insert.
type insertion struct {
	entries []*entry
	tasks   []store.NewTask
	sent    bool          // guarded by the inserter's mutex
	done    chan struct{} // closed when the fields below are set
	out     []store.Inserted
	err     error
}

// insertTimeout bounds a shared insert, which belongs to no caller's context.
const insertTimeout = 30 * time.Second

// do inserts tasks, alone or with others', and records in entries what became of them. As many as
// would fill a shared insert go at once, beside those that are under way.
func (f *inserter) do(ctx context.Context, entries []*entry, tasks []store.NewTask) ([]store.Inserted, error) {
	if len(tasks) >= batchTasks {
		out, err := f.insert(ctx, tasks)
		record(entries, tasks, out, err)
		return out, err
	}
	f.mu.Lock()
	if f.busy < f.most {
		f.busy++
		f.mu.Unlock()
		out, err := f.insert(ctx, tasks)
		record(entries, tasks, out, err)
		f.next()
		return out, err
	}
	in := &insertion{entries: entries, tasks: tasks, done: make(chan struct{})}
	f.queue = append(f.queue, in)
	f.mu.Unlock()
	select {
	case <-in.done:
		return in.out, in.err
	case <-ctx.Done():
		return nil, f.leave(ctx, in)
	}
}

// leave takes out an insertion whose caller waits no more: it was not sent, or its outcome is
// unknown.
func (f *inserter) leave(ctx context.Context, in *insertion) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in.sent {
		return context.Cause(ctx)
	}
	for i := range f.queue {
		if f.queue[i] == in {
			f.queue = append(f.queue[:i:i], f.queue[i+1:]...)
			break
		}
	}
	return store.Definite(context.Cause(ctx))
}

// next sends what has gathered, if anything has, in place of an insert that is done.
func (f *inserter) next() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) > 0 {
		go f.flush()
	} else {
		f.busy--
	}
}

// flush sends one batch of what has gathered.
func (f *inserter) flush() {
	f.mu.Lock()
	batch := f.queue[:gatheredLen(f.queue)]
	f.queue = f.queue[len(batch):]
	for _, in := range batch {
		in.sent = true
		for _, e := range in.entries {
			e.embark(in)
		}
	}
	f.mu.Unlock()
	f.send(batch)
	f.gather(len(batch))
	f.next()
}

// gatherFor bounds what gather takes, but for one turn of the scheduler's: on processors that are busy
// a turn is of milliseconds.
const gatherFor = 100 * time.Microsecond

// gather lets the callers of the insert that is done, n of them, come back with their next tasks. Else
// the first one to run would go alone, and the others wait for it: every other insert would be of one.
func (f *inserter) gather(n int) {
	began := time.Now()
	for range n {
		f.mu.Lock()
		enough := len(f.queue) >= n
		f.mu.Unlock()
		if enough || time.Since(began) > gatherFor {
			return
		}
		runtime.Gosched()
	}
}

func gatheredLen(queue []*insertion) int {
	tasks, bytes := 0, 0
	for i, in := range queue {
		tasks += len(in.tasks)
		for j := range in.tasks {
			bytes += len(in.tasks[j].Params)
		}
		if i > 0 && (tasks > batchTasks || bytes > batchBytes) {
			return i
		}
	}
	return len(queue)
}

// send inserts a batch and tells each of its members what became of its part. If the store
// refuses the batch as a whole, each is sent alone, so that one cannot fail the others.
func (f *inserter) send(batch []*insertion) {
	if len(batch) == 0 {
		return
	}
	var all []store.NewTask
	for _, in := range batch {
		all = append(all, in.tasks...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), insertTimeout)
	defer cancel()
	out, err := f.insert(ctx, all)
	var refused *store.BatchError
	if err != nil && !errors.As(err, &refused) && store.IsDefinite(err) && len(batch) > 1 {
		for i := range batch {
			f.send(batch[i : i+1])
		}
		return
	}
	first := 0
	for _, in := range batch {
		end := first + len(in.tasks)
		copy(in.tasks, all[first:end])
		in.err = err
		if refused != nil {
			in.err = partOf(refused, first, end)
		}
		if len(out) == len(all) {
			in.out = out[first:end]
		}
		record(in.entries, in.tasks, in.out, in.err)
		close(in.done)
		first = end
	}
}

// partOf returns the refusals of the items from first to end; nil if there are none.
func partOf(all *store.BatchError, first, end int) error {
	part := store.BatchError{Op: all.Op}
	for _, r := range all.Refused {
		if r.Index >= first && r.Index < end {
			part.Refuse(r.Index-first, r.ID, r.Err)
		}
	}
	return part.OrNil()
}
