package fireflytest

import (
	"context"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// listAll returns all tasks that match f and have an id beyond after, in the order of their ids.
func listAll(ctx context.Context, s store.Store, f store.Filter, after int64) ([]store.Task, error) {
	const page = 1000
	lister, ok := store.As[store.Lister](s)
	if !ok {
		return nil, fmt.Errorf("list tasks: %w", store.Unsupported(s, "Lister"))
	}
	var all []store.Task
	for {
		tasks, err := lister.List(ctx, f, store.Page{After: after, Limit: page})
		if err != nil {
			return nil, fmt.Errorf("list tasks: %w", err)
		}
		all = append(all, tasks...)
		if len(tasks) < page {
			return all, nil
		}
		after = tasks[page-1].ID
	}
}

// nextDue returns when the first of the waiting tasks that c asks for falls due, past now; zero if
// none does. Those that are due and were not claimed, as their queue is paused, are no news.
func nextDue(ctx context.Context, s store.Store, c store.Claim, now time.Time) (next time.Time, err error) {
	f := store.Filter{Statuses: []store.Status{store.Created}, Queues: c.Queues, Names: c.Names}
	tasks, err := listAll(ctx, s, f, 0)
	if err != nil {
		return next, err
	}
	for _, t := range tasks {
		if t.Due.After(now) && (next.IsZero() || t.Due.Before(next)) {
			next = t.Due
		}
	}
	return next, nil
}
