package fireflytest

import (
	"context"
	"fmt"
	"testing"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// Scheduled returns the arguments of the stored tasks of that type, in the order of their ids,
// whatever has become of the tasks. The client's store must be a [store.Lister].
func Scheduled[A, R any](tb testing.TB, client *firefly.Client, task firefly.Task[A, R]) []A {
	tb.Helper()
	tasks := storedAs(tb, client, task)
	all := make([]A, 0, len(tasks))
	for _, stored := range tasks {
		args, err := task.Args(client, stored)
		if err != nil {
			tb.Fatalf("fireflytest: %v", err)
		}
		all = append(all, args)
	}
	return all
}

// RequireScheduled ends the test unless exactly one stored task is as this call of
// [firefly.Task.Schedule] would make it: its argument, queue, priority, ETA or delay, unique key,
// retries, and time-out; the client's defaults and middleware count, metadata does not. It returns
// that task. Once a task was run again, or snoozed, its due time is another.
//
// A delay is counted from when the task was stored. An ETA that had passed by then means no delay.
func RequireScheduled[A, R any](
	tb testing.TB, client *firefly.Client, task firefly.Task[A, R], args A, opts ...firefly.ScheduleOption,
) store.Task {
	tb.Helper()
	want, err := newTask(tb.Context(), client, task, args, opts)
	if err != nil {
		tb.Fatalf("fireflytest: %v", err)
	}
	var found []store.Task
	var nearest []string // what is other in the task that comes nearest
	var nearestID int64
	all := storedAs(tb, client, task)
	for _, stored := range all {
		other := differences(&want, &stored)
		switch {
		case len(other) == 0:
			found = append(found, stored)
		case nearest == nil || len(other) < len(nearest):
			nearest, nearestID = other, stored.ID
		}
	}
	switch {
	case len(all) == 0:
		tb.Fatalf("fireflytest: no %s is scheduled", task.Name())
	case len(found) == 0:
		tb.Fatalf("fireflytest: of %d tasks %s, none is the one that is wanted; nearest is task %d, but for %s",
			len(all), task.Name(), nearestID, list(nearest))
	case len(found) > 1:
		tb.Fatalf("fireflytest: %d tasks %s are the one that is wanted: %v", len(found), task.Name(), idsOf(found))
	}
	return found[0]
}

// RequireNotScheduled ends the test if there is a task of that type, whatever has become of it.
func RequireNotScheduled[A, R any](tb testing.TB, client *firefly.Client, task firefly.Task[A, R]) {
	tb.Helper()
	if all := storedAs(tb, client, task); len(all) > 0 {
		tb.Fatalf("fireflytest: %d tasks %s are scheduled, want none: %v", len(all), task.Name(), idsOf(all))
	}
}

// storedAs returns the stored tasks of that name.
func storedAs[A, R any](tb testing.TB, client *firefly.Client, task firefly.Task[A, R]) []store.Task {
	tb.Helper()
	all, err := listAll(tb.Context(), client.Store(), store.Filter{Names: []string{task.Name()}}, 0)
	if err != nil {
		tb.Fatalf("fireflytest: %v", err)
	}
	return all
}

func idsOf(tasks []store.Task) []int64 {
	ids := make([]int64, len(tasks))
	for i := range tasks {
		ids[i] = tasks[i].ID
	}
	return ids
}

// newTask returns what the client would store.
func newTask[A, R any](
	ctx context.Context, client *firefly.Client, task firefly.Task[A, R], args A, opts []firefly.ScheduleOption,
) (store.NewTask, error) {
	var c capture
	if _, err := task.Schedule(ctx, client.In(&c), args, opts...); err != nil {
		return store.NewTask{}, err
	}
	if len(c.tasks) != 1 {
		return store.NewTask{}, fmt.Errorf("the client's middleware stores %d tasks for one", len(c.tasks))
	}
	return c.tasks[0], nil
}

// A capture keeps what a client writes from its store.
type capture struct {
	store.Writer
	tasks []store.NewTask
}

func (c *capture) Insert(_ context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	for i := range tasks {
		c.tasks = append(c.tasks, tasks[i].Clone())
	}
	return make([]store.Inserted, len(tasks)), nil
}
