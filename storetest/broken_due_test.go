package storetest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// settingDue is a SetDue whose arguments are changed on their way.
func settingDue(edit func(f *store.Filter, when *store.When, limit *int)) func(*broken) {
	return func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			edit(&f, &when, &limit)
			return b.Store.SetDue(ctx, f, when, limit)
		}
	}
}

// validWhen makes of a When one that no store refuses.
func validWhen(when *store.When) {
	if when.Validate() != nil {
		*when = store.When{Delay: time.Minute}
	}
}

// releaseHeld gives a running task back by its own lease.
func (b *broken) releaseHeld(ctx context.Context, id int64) {
	if lease := b.holder(ctx, id); !lease.IsZero() {
		_ = b.Store.Reschedule(ctx, []store.Rescheduling{{ID: id, Lease: lease, Kind: store.Release}})
	}
}

var brokenDues = []brokenStore{
	{"setting a due time does nothing", "SetDueNow", func(b *broken) {
		b.setDue = func(_ context.Context, f store.Filter, _ store.When, _ int) ([]int64, error) { return noted(f) }
	}},
	{"no new time is a minute", "SetDueNow", settingDue(func(_ *store.Filter, when *store.When, _ *int) {
		if *when == (store.When{}) {
			when.Delay = time.Minute
		}
	})},
	{"a new time in the past is kept", "SetDueNow", func(b *broken) {
		past := map[int64]time.Time{}
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			ids, err := b.Store.SetDue(ctx, f, when, limit)
			for _, id := range ids {
				past[id] = when.ETA
			}
			return ids, err
		}
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			for i := range tasks {
				if eta := past[tasks[i].ID]; !eta.IsZero() {
					tasks[i].Due = eta
				}
			}
			return tasks, err
		}
	}},
	{"new times are whole seconds", "SetDueNeverEarly", settingDue(func(_ *store.Filter, when *store.When, _ *int) {
		when.ETA, when.Delay = when.ETA.Truncate(time.Second), when.Delay.Truncate(time.Second)
	})},
	{"new times are whole minutes", "SetDueTimesAreKept", settingDue(func(_ *store.Filter, when *store.When, _ *int) {
		when.Delay = when.Delay.Truncate(time.Minute)
	})},
	{"a new ETA is a delay", "SetDueTimesAreKept", settingDue(func(_ *store.Filter, when *store.When, _ *int) {
		if when.Validate() == nil && time.Until(when.ETA) > 0 {
			*when = store.When{Delay: time.Until(when.ETA)}
		}
	})},
	{"only the first of several gets the new time", "SetDueOrder", func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, _ int) ([]int64, error) {
			_, err := b.Store.SetDue(ctx, f, when, 1)
			return f.IDs, err
		}
	}},
	{"a task with a new time is as new", "SetDueKeepsTheRest", func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			if when.Validate() != nil {
				return nil, store.ErrInvalid
			}
			_, _ = b.Store.Cancel(ctx, store.Filter{IDs: f.IDs, Statuses: []store.Status{store.Created}}, limit)
			_, _ = b.Store.Retry(ctx, store.Filter{IDs: f.IDs, Statuses: []store.Status{store.Cancelled}}, limit)
			return b.Store.SetDue(ctx, f, when, limit)
		}
	}},
	{"a new time stops running tasks", "SetDueOthersNoOp", func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			for _, id := range f.IDs {
				b.releaseHeld(ctx, id)
			}
			return b.Store.SetDue(ctx, f, when, limit)
		}
	}},
	{"tasks that cannot get a new time are said to have it", "SetDueOthersNoOp", func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			_, err := b.Store.SetDue(ctx, f, when, limit)
			return f.IDs, err
		}
	}},
	{"the limit of new times is ignored", "SetDueLimitLowestFirst", settingDue(func(_ *store.Filter, _ *store.When, limit *int) { *limit = 0 })},
	{"no more than a thousand get a new time", "SetDueLimitLowestFirst", settingDue(func(_ *store.Filter, _ *store.When, limit *int) {
		if *limit == 0 {
			*limit = 1000
		}
	})},
	{"new times are not validated", "SetDueInvalidRefused", settingDue(func(_ *store.Filter, when *store.When, _ *int) { validWhen(when) })},
	{"an empty filter gives all a new time", "SetDueInvalidRefused", settingDue(func(f *store.Filter, _ *store.When, _ *int) {
		if f.IsZero() {
			f.Statuses = []store.Status{store.Created}
		}
	})},
	{"paused queues keep their times", "SetDueOfPausedQueue", func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			if paused, _ := b.Paused(ctx); len(paused) > 0 {
				return noted(f)
			}
			return b.Store.SetDue(ctx, f, when, limit)
		}
	}},
	{"a new time loses the last of many", "SetDueRacesWithClaims", func(b *broken) {
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			if n := len(f.IDs); n > 10 {
				_, _ = b.Store.Delete(ctx, store.Filter{IDs: f.IDs[n-1:]}, 0)
			}
			return b.Store.SetDue(ctx, f, when, limit)
		}
	}},
	{"a task that is made due wakes nobody", "WaitWakesOnSetDue", func(b *broken) {
		var set atomic.Bool
		b.setDue = func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
			set.Store(true)
			return b.Store.SetDue(ctx, f, when, limit)
		}
		b.wait = func(ctx context.Context, queues []string) (store.Hint, error) {
			for {
				if hint, err := b.Store.Wait(ctx, queues); err != nil || !set.Load() {
					return hint, err
				}
			}
		}
	}},
}
