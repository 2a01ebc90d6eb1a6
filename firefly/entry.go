package firefly

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// An entry is one task on its way into the store, shared by its Call, its handles and the
// attempt that staged it.
type entry struct {
	mu       sync.Mutex
	task     store.NewTask
	inserted store.Inserted
	state    entryState
	stagedBy *attempt
	flight   *insertion // a shared insert that it is in
}

type entryState uint8

const (
	entryNew    entryState = iota // not stored, as far as we know
	entryStaged                   // waits for its attempt to complete
	entryStored
)

func (e *entry) is(s entryState) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state == s
}

// newTask returns the task to insert; with its id, if an earlier try gave it one.
func (e *entry) newTask() store.NewTask {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.task
	t.Meta = maps.Clone(t.Meta) // a middleware may add to it
	return t
}

// embark notes that the task is in a shared insert.
func (e *entry) embark(in *insertion) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flight = in
}

// land waits until the task is in no shared insert: only then it has the id with which it can be
// inserted again.
func (e *entry) land(ctx context.Context) error {
	e.mu.Lock()
	in := e.flight
	e.mu.Unlock()
	if in == nil {
		return nil
	}
	select {
	case <-in.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) // still in doubt
	}
}

// stage reports whether a is to store the task: not if it does already, or the task is stored.
func (e *entry) stage(a *attempt, task store.NewTask) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == entryStored || e.stagedBy == a {
		return false
	}
	e.task, e.state, e.stagedBy = task, entryStaged, a
	return true
}

// record notes what an insert that returned done and err made of entries. Tasks keep the ids
// that they were given even if the outcome is unknown, for a repeat.
func record(entries []*entry, tasks []store.NewTask, done []store.Inserted, err error) {
	refused := map[int]bool{}
	var batch *store.BatchError
	applied := err == nil || errors.As(err, &batch)
	if batch != nil {
		for _, r := range batch.Refused {
			refused[r.Index] = true
		}
	}
	for i, e := range entries {
		e.mu.Lock()
		e.task, e.flight = tasks[i], nil
		if applied && !refused[i] && i < len(done) {
			e.inserted, e.state = done[i], entryStored
		}
		e.mu.Unlock()
	}
}
