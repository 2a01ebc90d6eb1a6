package firefly

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// Retention says how long a worker lets the finished tasks of its queues be kept, by status, from
// when they finished. Zero leaves a status to the store, whose own retention holds in any case: a
// task goes when the first of the two says so. Less than ten minutes is refused, as tasks are kept
// that long for repeated insertions to find them.
//
// A worker looks about once a minute, so a task may stay that much longer. Several workers of one
// queue with different retentions delete by the shortest. The store must be a [store.Deleter].
type Retention struct {
	Completed time.Duration
	Failed    time.Duration
	Cancelled time.Duration
}

const (
	leastRetention   = 10 * time.Minute // rule 1 of package store
	retentionEvery   = time.Minute      // on average
	retentionBatch   = 1000
	retentionBetween = 100 * time.Millisecond // two batches: tasks that run come first
)

// A kept status is one that has a retention.
type kept struct {
	status store.Status
	during time.Duration
}

// kept returns the statuses that are not left to the store.
func (r Retention) kept() (all []kept) {
	for _, k := range []kept{{store.Completed, r.Completed}, {store.Failed, r.Failed}, {store.Cancelled, r.Cancelled}} {
		if k.during != 0 {
			all = append(all, k)
		}
	}
	return all
}

// check returns the faults of a retention on s, which may be nil.
func (r Retention) check(s store.Store) (faults []error) {
	all := r.kept()
	for _, k := range all {
		if k.during < leastRetention {
			faults = append(faults, fmt.Errorf("retention of %s tasks for %s is shorter than %s", k.status, k.during, leastRetention))
		}
	}
	if s == nil || len(all) == 0 {
		return faults
	}
	if _, ok := store.As[store.Deleter](s); !ok {
		faults = append(faults, fmt.Errorf("retention: %w", store.Unsupported(s, "Deleter")))
	}
	return faults
}

// retain deletes what was kept long enough, until ctx ends. Workers that were started together do
// not delete together.
func (w *Worker) retain(ctx context.Context) {
	deleter, ok := store.As[store.Deleter](w.store)
	all := w.config.Retention.kept()
	if !ok || len(all) == 0 {
		return
	}
	for newPause(retentionEvery/2+rand.N(retentionEvery), retentionEvery).wait(ctx) == nil {
		for _, queue := range w.config.Queues {
			for _, k := range all {
				w.deleteOld(ctx, deleter, queue, k)
			}
		}
	}
}

// deleteOld deletes in batches, until there is no full one left or ctx ends.
func (w *Worker) deleteOld(ctx context.Context, deleter store.Deleter, queue string, k kept) {
	filter := store.Filter{Statuses: []store.Status{k.status}, Queues: []string{queue}, OlderThan: k.during}
	between := newPause(retentionBetween, retentionBetween)
	for ctx.Err() == nil {
		n, err := w.deleteBatch(deleter, filter)
		if n > 0 {
			w.deleted(queue, k, n)
		}
		if err != nil {
			w.trouble("delete old tasks", err)
		}
		if err != nil || n < retentionBatch || between.wait(ctx) != nil {
			return
		}
	}
}

// deleteBatch outlives Run's context, so that what it deletes is reported.
func (w *Worker) deleteBatch(deleter store.Deleter, f store.Filter) (int, error) {
	ctx, cancel := context.WithTimeout(w.base, w.callTimeout())
	defer cancel()
	ids, err := deleter.Delete(ctx, f, retentionBatch)
	return len(ids), err
}

func (w *Worker) deleted(queue string, k kept, tasks int) {
	w.config.Logger.Info("firefly: deleted old tasks", "worker", w.config.Name,
		"queue", queue, "status", k.status, "tasks", tasks, "retention", k.during)
	if w.config.Hooks.Deleted != nil {
		w.config.Hooks.Deleted(k.status, tasks)
	}
}
