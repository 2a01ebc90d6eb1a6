package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// claiming is a ClaimDue whose claim is changed on its way.
func claiming(edit func(c *store.Claim)) func(*broken) {
	return func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			edit(&c)
			return b.Store.ClaimDue(ctx, c)
		}
	}
}

// claimed is a ClaimDue whose tasks are changed on their way back.
func claimed(edit func(tasks []store.Task) []store.Task) func(*broken) {
	return func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			return edit(tasks), err
		}
	}
}

// extending is an Extend whose answer is changed on its way back.
func extending(edit func(e *store.Extended)) func(*broken) {
	return func(b *broken) {
		b.extend = func(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
			out, err := b.Store.Extend(ctx, d, ids)
			for i := range out {
				edit(&out[i])
			}
			return out, err
		}
	}
}

var brokenClaims = []brokenStore{
	{"the limit is ignored", "ClaimRespectsLimit", claiming(func(c *store.Claim) { c.Limit = 1000 })},
	{"names are ignored", "ClaimOnlyGivenNames", claiming(func(c *store.Claim) {
		if len(c.Names) > 0 {
			c.Names = []string{nameA, nameB, "kit.foreign"}
		}
	})},
	{"queues are ignored", "ClaimOnlyNamedQueues", claiming(func(c *store.Claim) {
		if len(c.Queues) > 0 {
			c.Queues = []string{queueA, queueB}
		}
	})},
	{"the order of queues is ignored", "ClaimQueuesInOrderGiven", claiming(func(c *store.Claim) { c.Queues = slices.Sorted(slices.Values(c.Queues)) })},
	{"only the first hundred queues count", "ClaimFromAThousandQueues", claiming(func(c *store.Claim) {
		c.Queues = c.Queues[:min(len(c.Queues), 100)]
	})},
	{"leases last for ever", "LeaseReclaimableAfterEnd", claiming(func(c *store.Claim) { c.For *= 1000 })},
	{"leases end at once", "LeaseNotReclaimableBeforeEnd", claiming(func(c *store.Claim) { c.For = min(c.For, 1) })},
	{"a repeated claim claims others", "ClaimReplyLostRecoveredByLeaseID", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			if err == nil && len(tasks) < c.Limit {
				c.Lease = store.NewLeaseID()
				more, err := b.Store.ClaimDue(ctx, c)
				return append(tasks, more...), err
			}
			return tasks, err
		}
	}},
	{"a repeated claim finds nothing", "ClaimReplyLostRecoveredByLeaseID", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			key := c.Lease.String()
			if b.seen[key]++; b.seen[key] > 1 {
				return nil, nil
			}
			return b.Store.ClaimDue(ctx, c)
		}
	}},
	{"a claim of nothing is an error", "ClaimEmptyNoError", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			if err == nil && len(tasks) == 0 {
				err = store.ErrNotFound
			}
			return tasks, err
		}
	}},
	{"one task goes to two claims", "ClaimManyWorkersNoDoubleLease", func(b *broken) {
		var last []store.Task
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			if b.seen["claims"]++; b.seen["claims"] == 2 && len(last) > 0 {
				tasks = append(tasks[:max(0, min(len(tasks), c.Limit-1))], last[0])
			}
			last = tasks
			return tasks, err
		}
	}},
	{"claims are not validated", "ClaimInvalidClaimRefused", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			if c.Validate() != nil {
				return nil, nil
			}
			return b.Store.ClaimDue(ctx, c)
		}
	}},
	{"no limit is no bound", "ClaimZeroLimit", claiming(func(c *store.Claim) {
		if c.Limit <= 0 {
			c.Limit = 100
		}
	})},
	{"no names are all names", "ClaimNoNamesNoQueues", claiming(func(c *store.Claim) {
		if len(c.Names) == 0 {
			c.Names = []string{nameA, nameB}
		}
	})},
	{"crashes are not counted", "LeaseCrashCounted", claimed(func(tasks []store.Task) []store.Task {
		for i := range tasks {
			tasks[i].Crashes = 0
		}
		return tasks
	})},
	{"claimed tasks are in disorder", "ClaimOrderPriorityThenDueThenID", claimed(func(tasks []store.Task) []store.Task {
		slices.Reverse(tasks)
		return tasks
	})},
	{"retries wait behind new tasks", "ClaimDueRetryNotStarved", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			limit := c.Limit
			c.Limit = 1000
			tasks, err := b.Store.ClaimDue(ctx, c)
			slices.SortStableFunc(tasks, func(a, b store.Task) int { return a.Retries - b.Retries })
			for len(tasks) > max(limit, 0) {
				last := tasks[len(tasks)-1]
				_ = b.Store.Reschedule(ctx, []store.Rescheduling{{ID: last.ID, Lease: c.Lease, Kind: store.Release}})
				tasks = tasks[:len(tasks)-1]
			}
			return tasks, err
		}
	}},
	{"foreign names in front hide what is behind", "ClaimForeignNamesInFrontHideNothing", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			first, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Created}, Queues: c.Queues}, store.Page{Limit: 1000})
			if len(first) == 1000 {
				return nil, nil
			}
			return b.Store.ClaimDue(ctx, c)
		}
	}},
	{"only the claim's own queue is taken back", "LeaseTakesBackOtherNamesAndQueues", func(b *broken) {
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			if !slices.Contains(c.Queues, queueA) {
				return nil, nil
			}
			return b.Store.ClaimDue(ctx, c)
		}
	}},
	{"extending does nothing", "LeaseExtendProlongs", func(b *broken) {
		b.extend = func(ctx context.Context, _ time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
			return b.Store.Extend(ctx, 0, ids)
		}
	}},
	{"lost leases are said to be held", "LeaseExtendStaleRefused", extending(func(e *store.Extended) { e.Lost = false })},
	{"extending is not told of cancellations", "AdminCancelRunningSignalled", extending(func(e *store.Extended) { e.Cancelled = nil })},
	{"a short extension frees the tasks", "LeaseExtendNeverShortens", func(b *broken) {
		b.extend = func(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
			if d < leaseTime/2 {
				all, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Running}}, store.Page{})
				for _, task := range all {
					_ = b.Store.Reschedule(ctx, []store.Rescheduling{{ID: task.ID, Lease: task.Lease, Kind: store.Release}})
				}
			}
			return b.Store.Extend(ctx, d, ids)
		}
	}},
	{"one lost lease fails the extension of all", "LeaseExtendBatchPartial", func(b *broken) {
		b.extend = func(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
			out, err := b.Store.Extend(ctx, d, ids)
			if slices.ContainsFunc(out, func(e store.Extended) bool { return e.Lost }) {
				return nil, store.ErrLeaseLost
			}
			return out, err
		}
	}},
}
