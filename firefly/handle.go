package firefly

import (
	"context"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A Handle stands for a stored task whose result is an R. It is safe for concurrent use.
type Handle[R any] struct {
	client *Client
	entry  *entry
}

// ID returns the task's id. It is zero as long as the task is staged, or was written in a
// transaction that does not know it before its commit.
func (h *Handle[R]) ID() int64 {
	h.entry.mu.Lock()
	defer h.entry.mu.Unlock()
	return h.entry.inserted.ID
}

// Existing reports whether the task was there before: another one that had the unique key.
func (h *Handle[R]) Existing() bool {
	h.entry.mu.Lock()
	defer h.entry.mu.Unlock()
	return h.entry.inserted.Outcome != store.Stored
}

// Scheduled returns the entity as it was stored, without asking the store again: what [Task]
// and options made of it. It is empty but for the id on a handle from [Task.Find], and if the
// task existed before.
func (h *Handle[R]) Scheduled() store.Task {
	h.entry.mu.Lock()
	defer h.entry.mu.Unlock()
	n, in := h.entry.task, h.entry.inserted
	if n.Name == "" || in.Outcome == store.Existing {
		return store.Task{ID: in.ID}
	}
	t := store.Task{
		ID: in.ID, Name: n.Name, Queue: n.Queue, Priority: n.Priority, Status: store.Created,
		Encoding: n.Encoding, Params: n.Params, Meta: n.Meta, Created: in.Created, Due: in.Due,
		MaxRetries: n.MaxRetries, RetryDelay: n.RetryDelay, Timeout: n.Timeout, UniqueKey: n.UniqueKey,
	}
	return t.Clone()
}

// Task reads the entity as it is now. The error matches [store.ErrNotFound] if there is none,
// [ErrUncommitted] if it is staged, and [errors.ErrUnsupported] if the store cannot read.
func (h *Handle[R]) Task(ctx context.Context) (store.Task, error) {
	if h.entry.is(entryStaged) {
		return store.Task{}, ErrUncommitted
	}
	id := h.ID()
	get, ok := store.As[store.Getter](h.client.store)
	if !ok {
		return store.Task{}, fmt.Errorf("firefly: read task %d: %w", id, store.Unsupported(h.client.store, "Getter"))
	}
	tasks, err := get.Get(ctx, []int64{id})
	switch {
	case err != nil:
		return store.Task{}, fmt.Errorf("firefly: read task %d: %w", id, err)
	case len(tasks) == 0:
		return store.Task{}, fmt.Errorf("firefly: read task %d: %w", id, store.ErrNotFound)
	}
	return tasks[0], nil
}

// Returned reads the result of a completed task. The error is [ErrNotFinished] if the task is
// not finished, a [*TaskError] if it failed or was cancelled, or one of [Handle.Task].
func (h *Handle[R]) Returned(ctx context.Context) (R, error) {
	var zero R
	task, err := h.Task(ctx)
	if err != nil {
		return zero, err
	}
	return h.result(&task)
}

// Wait waits until the task is finished, and returns as [Handle.Returned]; or until ctx ends,
// which is its error then. It asks the store, at first often, then twice a second. In the
// handler that staged the task it returns [ErrUncommitted] at once.
func (h *Handle[R]) Wait(ctx context.Context) (R, error) {
	var zero R
	between := newPause(10*time.Millisecond, 500*time.Millisecond)
	for {
		task, err := h.Task(ctx)
		if err != nil {
			return zero, err
		}
		if task.Status.Terminal() {
			return h.result(&task)
		}
		if err := between.wait(ctx); err != nil {
			return zero, fmt.Errorf("firefly: wait for task %d: %w", task.ID, err)
		}
	}
}

func (h *Handle[R]) result(task *store.Task) (R, error) {
	var result R
	switch task.Status {
	case store.Completed:
		codec, err := h.client.codecs.named(task.Encoding)
		if err == nil {
			err = decode(codec, task.Returned, &result)
		}
		if err != nil {
			return result, fmt.Errorf("firefly: decode result of task %d: %w", task.ID, err)
		}
		return result, nil
	case store.Failed, store.Cancelled:
		return result, taskError(task)
	default:
		return result, ErrNotFinished
	}
}

func taskError(t *store.Task) *TaskError {
	e := &TaskError{ID: t.ID, Name: t.Name, Status: t.Status}
	if n := len(t.Errors); n > 0 {
		e.Last, e.Attempts = t.Errors[n-1].Text, t.Errors[n-1].Attempt
	}
	return e
}

// Cancel cancels the task: at once if it waits; if it runs, its handler's context ends with
// [ErrCancelled] when the worker hears of it, at the latest when it next extends its lease. A
// finished task stays as it is.
func (h *Handle[R]) Cancel(ctx context.Context) error {
	if h.entry.is(entryStaged) {
		return ErrUncommitted
	}
	id := h.ID()
	c, ok := store.As[store.Canceler](h.client.store)
	if !ok {
		return fmt.Errorf("firefly: cancel task %d: %w", id, store.Unsupported(h.client.store, "Canceler"))
	}
	if _, err := c.Cancel(ctx, store.Filter{IDs: []int64{id}}, 1); err != nil {
		return fmt.Errorf("firefly: cancel task %d: %w", id, err)
	}
	return nil
}
