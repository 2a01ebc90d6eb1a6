package storetest

import (
	"context"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// noted calls an administrative method only in what it returns.
func noted(f store.Filter) ([]int64, error) {
	if f.IsZero() {
		return nil, store.ErrInvalid
	}
	return f.IDs, nil
}

// listing is a List whose filter and page are changed on their way.
func listing(edit func(f *store.Filter, p *store.Page)) func(*broken) {
	return func(b *broken) {
		b.list = func(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
			edit(&f, &p)
			return b.Store.List(ctx, f, p)
		}
	}
}

// getting is a Get whose tasks are changed on their way back.
func getting(edit func(tasks []store.Task) []store.Task) func(*broken) {
	return func(b *broken) {
		b.get = func(ctx context.Context, ids []int64) ([]store.Task, error) {
			tasks, err := b.Store.Get(ctx, ids)
			return edit(tasks), err
		}
	}
}

// settleHeld ends a running task by its own lease.
func (b *broken) settleHeld(ctx context.Context, id int64) {
	_ = b.Store.Fail(ctx, []store.Failure{{ID: id, Lease: b.holder(ctx, id)}})
}

var brokenAdmins = []brokenStore{
	{"get sorts by id", "AdminGetOrderAndMissing", getting(func(tasks []store.Task) []store.Task {
		slices.SortFunc(tasks, func(a, b store.Task) int { return int(a.ID - b.ID) })
		return tasks
	})},
	{"list ignores statuses", "AdminListFilters", listing(func(f *store.Filter, _ *store.Page) { f.Statuses = nil })},
	{"list ignores its page", "AdminListPages", listing(func(_ *store.Filter, p *store.Page) { p.After = 0 })},
	{"list ignores errors", "AdminListByErrorAndAge", listing(func(f *store.Filter, _ *store.Page) { f.ErrorText = "" })},
	{"list ignores age", "AdminListByErrorAndAge", listing(func(f *store.Filter, _ *store.Page) { f.OlderThan = 0 })},
	{"counts forget the cancelled", "AdminCountsMatchRows", func(b *broken) {
		b.counts = func(ctx context.Context) ([]store.QueueCounts, error) {
			all, err := b.Store.Counts(ctx)
			for i := range all {
				all[i].Cancelled = 0
			}
			return all, err
		}
	}},
	{"pausing does nothing", "ClaimPausedQueueNone", func(b *broken) {
		b.pause = func(context.Context, []string) error { return nil }
	}},
	{"resuming does nothing", "AdminPausedListed", func(b *broken) {
		b.resume = func(context.Context, []string) error { return nil }
	}},
	{"pausing stops what runs", "ClaimPausedRunningGoOn", func(b *broken) {
		b.pause = func(ctx context.Context, queues []string) error {
			all, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Running}}, store.Page{})
			for _, task := range all {
				b.settleHeld(ctx, task.ID)
			}
			return b.Store.Pause(ctx, queues)
		}
	}},
	{"an empty filter means all", "AdminZeroFilterRefused", func(b *broken) {
		b.remove = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			f.Statuses = append(f.Statuses, store.Created, store.Running, store.Completed, store.Failed, store.Cancelled)
			return b.Store.Delete(ctx, f, limit)
		}
	}},
	{"an administrative limit is ignored", "AdminLimitLowestFirst", func(b *broken) {
		b.cancel = func(ctx context.Context, f store.Filter, _ int) ([]int64, error) { return b.Store.Cancel(ctx, f, 0) }
	}},
	{"cancel does nothing", "AdminCancelDue", func(b *broken) {
		b.cancel = func(_ context.Context, f store.Filter, _ int) ([]int64, error) { return noted(f) }
	}},
	{"cancel ends running tasks", "AdminCancelFlaggedMayComplete", func(b *broken) {
		b.cancel = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			ids, err := b.Store.Cancel(ctx, f, limit)
			for _, id := range ids {
				b.settleHeld(ctx, id)
			}
			return ids, err
		}
	}},
	{"a repeated claim hides the flag", "AdminCancelShownByRepeatedClaim", claimed(func(tasks []store.Task) []store.Task {
		for i := range tasks {
			tasks[i].CancelRequested = false
		}
		return tasks
	})},
	{"the flag is lost in a crash", "AdminCancelFlagSurvivesCrash", func(b *broken) {
		b.cancel = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			for _, id := range f.IDs {
				if !b.holder(ctx, id).IsZero() {
					return f.IDs, nil
				}
			}
			return b.Store.Cancel(ctx, f, limit)
		}
	}},
	{"cancel says that it changed finished tasks", "AdminCancelTerminalNoOp", func(b *broken) {
		b.cancel = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			_, err := b.Store.Cancel(ctx, f, limit)
			return f.IDs, err
		}
	}},
	{"retry does nothing", "AdminRetryFailedResets", func(b *broken) {
		b.retry = func(_ context.Context, f store.Filter, _ int) ([]int64, error) { return noted(f) }
	}},
	{"retry does not reset", "AdminRetryFailedResets", func(b *broken) {
		retried := map[int64]store.Task{}
		b.retry = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			before, _ := b.Store.Get(ctx, f.IDs)
			for _, task := range before {
				retried[task.ID] = task
			}
			return b.Store.Retry(ctx, f, limit)
		}
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			for i := range tasks {
				if old, ok := retried[tasks[i].ID]; ok {
					tasks[i].Retries, tasks[i].CancelRequested = old.Retries, old.CancelRequested
				}
			}
			return tasks, err
		}
	}},
	{"retry repeats completed tasks", "AdminRetryOthersNoOp", func(b *broken) {
		b.retry = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			ids, err := b.Store.Retry(ctx, f, limit)
			if len(ids) == 0 && err == nil {
				return f.IDs, nil
			}
			return ids, err
		}
	}},
	{"retry ignores held keys", "AdminRetryKeyHeldRefused", func(b *broken) {
		b.retry = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			_, _ = b.Store.Retry(ctx, f, limit)
			return f.IDs, nil
		}
	}},
	{"a retried task remembers who failed it", "AdminRetryForgetsOldLease", func(b *broken) {
		failed := map[int64]store.LeaseID{}
		b.fail = func(ctx context.Context, items []store.Failure) error {
			if failed[items[0].ID] == items[0].Lease {
				return nil
			}
			err := b.Store.Fail(ctx, items)
			if err == nil {
				failed[items[0].ID] = items[0].Lease
			}
			return err
		}
	}},
	{"running tasks are deleted", "AdminDeleteRunningRefused", func(b *broken) {
		b.remove = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			for _, id := range f.IDs {
				b.settleHeld(ctx, id)
			}
			return b.Store.Delete(ctx, f, limit)
		}
	}},
	{"a running task stops a deletion", "AdminDeletePassesOverRunning", func(b *broken) {
		b.remove = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			running, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Running}}, store.Page{})
			if len(running) > 0 {
				return nil, store.ErrRunning
			}
			return b.Store.Delete(ctx, f, limit)
		}
	}},
	{"deletion ignores age", "AdminDeleteByStatusAndAge", func(b *broken) {
		b.remove = func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
			f.OlderThan = 0
			return b.Store.Delete(ctx, f, limit)
		}
	}},
	{"deletion forgets to delete", "UniqueDeleteReleases", func(b *broken) {
		b.remove = func(_ context.Context, f store.Filter, _ int) ([]int64, error) { return noted(f) }
	}},
	{"nobody is woken", "WaitWakesOnInsert", func(b *broken) {
		b.wait = func(ctx context.Context, _ []string) (store.Hint, error) {
			<-ctx.Done()
			return store.Hint{}, ctx.Err()
		}
	}},
	{"hints do not name the cancelled", "WaitHearsCancel", func(b *broken) {
		b.wait = func(ctx context.Context, queues []string) (store.Hint, error) {
			_, err := b.Store.Wait(ctx, queues)
			return store.Hint{}, err
		}
	}},
	{"waiting ends well with its context", "WaitEndsWithContext", func(b *broken) {
		b.wait = func(ctx context.Context, queues []string) (store.Hint, error) {
			hint, err := b.Store.Wait(ctx, queues)
			if ctx.Err() != nil {
				return hint, store.ErrClosed
			}
			return hint, err
		}
	}},
}
