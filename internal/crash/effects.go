package crash

import (
	"context"
	"io"
	"strconv"

	"github.com/fireflytasks/go-firefly/store"
)

// TaskEffects are for a store that has no table of the application's that a handler's transaction could
// write to: an effect is a task, in a queue that nobody works on, with the id of the handler's as its
// parameter. It returns the store as those see it who look whether all is done: without the effects.
func TaskEffects(s store.Full, with io.Closer) (store.Full, Effects) {
	return withoutEffects{s}, taskEffects{s, with}
}

const effectQueue = "effect"

type taskEffects struct {
	store store.Full
	io.Closer
}

func (taskEffects) Write(ctx context.Context, task int64) error {
	tx, err := store.AttemptTx(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Insert(ctx, []store.NewTask{{
		Name: "effect", Queue: effectQueue, Encoding: "json", Params: strconv.AppendInt(nil, task, 10),
	}})
	return err
}

func (e taskEffects) Count(ctx context.Context) (map[int64]int, error) {
	counts := map[int64]int{}
	for page := (store.Page{Limit: 1000}); ; {
		tasks, err := e.store.List(ctx, store.Filter{Queues: []string{effectQueue}}, page)
		if err != nil {
			return nil, err
		}
		for _, task := range tasks {
			id, err := strconv.ParseInt(string(task.Params), 10, 64)
			if err != nil {
				return nil, err
			}
			counts[id]++
			page.After = task.ID
		}
		if len(tasks) < page.Limit {
			return counts, nil
		}
	}
}

type withoutEffects struct{ store.Full }

func (s withoutEffects) List(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
	f.Queues = []string{"default"}
	return s.Full.List(ctx, f, p)
}

func (s withoutEffects) Counts(ctx context.Context) (counts []store.QueueCounts, err error) {
	all, err := s.Full.Counts(ctx)
	for _, c := range all {
		if c.Queue != effectQueue {
			counts = append(counts, c)
		}
	}
	return counts, err
}
