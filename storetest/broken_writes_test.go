package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var brokenStores = slices.Concat(brokenInserts, brokenSettlers, brokenTxs, brokenParents, brokenClaims, brokenAdmins, brokenDues, brokenMigrations)

// edited is an Insert whose tasks are changed on their way.
func edited(edit func(b *broken, n *store.NewTask)) func(*broken) {
	return func(b *broken) {
		b.insert = func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			changed := slices.Clone(tasks)
			for i := range changed {
				edit(b, &changed[i])
			}
			out, err := b.Store.Insert(ctx, changed)
			for i := range changed {
				tasks[i].ID = changed[i].ID
			}
			return out, err
		}
	}
}

var brokenInserts = []brokenStore{
	{"a repeated insert is a new task", "InsertReplyLostRepeatIsOneTask", edited(func(_ *broken, n *store.NewTask) { n.ID = 0 })},
	{"params become valid UTF-8", "InsertBinaryAndInvalidUTF8Exact", edited(func(_ *broken, n *store.NewTask) {
		n.Params = []byte(strings.ToValidUTF8(string(n.Params), "?"))
	})},
	{"long params are cut", "InsertPayloadOverCapRefused", edited(func(_ *broken, n *store.NewTask) {
		n.Params = n.Params[:min(len(n.Params), 1<<19)]
	})},
	{"bad names are mended", "InsertBadNamesRefused", edited(func(_ *broken, n *store.NewTask) {
		if store.CheckName(n.Name) != nil || store.CheckName(n.Queue) != nil {
			n.Name, n.Queue = nameA, queueA
		}
	})},
	{"meta is lost", "InsertRoundtripAllFields", edited(func(_ *broken, n *store.NewTask) { n.Meta = nil })},
	{"due times are cut to seconds", "ClaimNeverEarlySubSecond", edited(func(_ *broken, n *store.NewTask) {
		n.ETA, n.Delay = n.ETA.Truncate(time.Second), n.Delay.Truncate(time.Second)
	})},
	{"delays count from the caller's clock", "ClaimDelayCountsFromStoreClock", edited(func(_ *broken, n *store.NewTask) {
		if n.Delay > 0 {
			n.ETA, n.Delay = time.Now().Add(n.Delay), 0
		}
	})},
	{"priority is ignored", "ClaimOrderPriorityThenDueThenID", edited(func(_ *broken, n *store.NewTask) { n.Priority = 0 })},
	{"unique keys are ignored", "UniqueSecondReturnsExisting", edited(func(_ *broken, n *store.NewTask) { n.UniqueKey = "" })},
	{"unique keys lose their case", "UniqueKeysAreExact", edited(func(_ *broken, n *store.NewTask) { n.UniqueKey = strings.ToLower(n.UniqueKey) })},
	{"no retries means three", "InsertRoundtripZeroFields", edited(func(_ *broken, n *store.NewTask) {
		if n.MaxRetries == 0 {
			n.MaxRetries = 3
		}
	})},
	{"an ETA in the past never comes", "ClaimPastETANow", edited(func(_ *broken, n *store.NewTask) {
		if !n.ETA.IsZero() && n.ETA.Before(time.Now()) {
			n.ETA = time.Now().AddDate(1, 0, 0)
		}
	})},
	{"ids are not positive", "InsertIDsPositiveAndDistinct", func(b *broken) {
		b.insert = func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			out, err := b.Store.Insert(ctx, tasks)
			for i := range out {
				out[i].ID = -out[i].ID
			}
			return out, err
		}
	}},
	{"replacing is ignored", "UniqueReplaceWaiting", edited(func(_ *broken, n *store.NewTask) { n.Replace = false })},
	{"unique keys are never freed", "UniqueReleasedOnEveryTerminal", func(b *broken) {
		b.insert = func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			out, err := b.Store.Insert(ctx, tasks)
			for i, n := range tasks {
				if first, ok := b.seen[n.UniqueKey]; ok && n.UniqueKey != "" && err == nil {
					out[i] = store.Inserted{ID: first, Outcome: store.Existing}
				} else if err == nil {
					b.seen[n.UniqueKey] = out[i].ID
				}
			}
			return out, err
		}
	}},
	{"the caller's bytes are kept", "InsertCallerKeepsSlices", func(b *broken) {
		kept := map[int64][]byte{}
		b.insert = func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			out, err := b.Store.Insert(ctx, tasks)
			for i := range tasks {
				kept[tasks[i].ID] = tasks[i].Params
			}
			return out, err
		}
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			tasks, err := b.Store.ClaimDue(ctx, c)
			for i := range tasks {
				tasks[i].Params = kept[tasks[i].ID]
			}
			return tasks, err
		}
	}},
	{"the context is ignored", "SettleCancelledContextChangesNothing", func(b *broken) {
		b.insert = func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			return b.Store.Insert(context.WithoutCancel(ctx), tasks)
		}
		b.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
			return b.Store.ClaimDue(context.WithoutCancel(ctx), c)
		}
		b.complete = func(ctx context.Context, done []store.Completion) error {
			return b.Store.Complete(context.WithoutCancel(ctx), done)
		}
	}},
	{"an empty batch is an error", "SettleEmptyBatch", func(b *broken) {
		b.insert = func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			if len(tasks) == 0 {
				return nil, errors.New("nothing to insert")
			}
			return b.Store.Insert(ctx, tasks)
		}
	}},
}

var brokenSettlers = []brokenStore{
	{"complete does not check the lease", "SettleCompleteStaleRefused", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			done = slices.Clone(done)
			for i := range done {
				done[i].Lease = b.holder(ctx, done[i].ID)
			}
			return b.Store.Complete(ctx, done)
		}
	}},
	{"fail does not check the lease", "SettleFailStaleRefused", func(b *broken) {
		b.fail = func(ctx context.Context, failed []store.Failure) error {
			failed = slices.Clone(failed)
			for i := range failed {
				failed[i].Lease = b.holder(ctx, failed[i].ID)
			}
			return b.Store.Fail(ctx, failed)
		}
	}},
	{"reschedule does not check the lease", "SettleRescheduleStaleRefused", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			again = slices.Clone(again)
			for i := range again {
				again[i].Lease = b.holder(ctx, again[i].ID)
			}
			return b.Store.Reschedule(ctx, again)
		}
	}},
	{"settling says nothing of lost leases", "SettleOtherVerdictRefused", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			_ = b.Store.Complete(ctx, done)
			return nil
		}
		b.fail = func(ctx context.Context, failed []store.Failure) error {
			_ = b.Store.Fail(ctx, failed)
			return nil
		}
	}},
	{"a refused item stops its batch", "SettleBatchPartialErrorsNamed", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			for i := range done {
				if err := b.Store.Complete(ctx, done[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"a lost lease is an error of unknown outcome", "SettleUnknownLeaseRefused", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			if err := b.Store.Complete(ctx, done); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}
	}},
	{"a repeated complete is refused", "SettleCompleteRepeatOK", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			tasks, _ := b.Store.Get(ctx, []int64{done[0].ID})
			if len(tasks) == 1 && tasks[0].Status == store.Completed {
				return &store.BatchError{Op: "complete", Refused: []store.Refusal{{ID: done[0].ID, Err: store.ErrLeaseLost}}}
			}
			return b.Store.Complete(ctx, done)
		}
	}},
	{"a repeated fail is refused", "SettleFailRepeatOK", func(b *broken) {
		b.fail = func(ctx context.Context, failed []store.Failure) error {
			if b.holder(ctx, failed[0].ID).IsZero() {
				return &store.BatchError{Op: "fail", Refused: []store.Refusal{{ID: failed[0].ID, Err: store.ErrLeaseLost}}}
			}
			return b.Store.Fail(ctx, failed)
		}
	}},
	{"results become valid UTF-8", "SettleResultRoundtrip", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			done = slices.Clone(done)
			for i := range done {
				done[i].Returned = []byte(strings.ToValidUTF8(string(done[i].Returned), "?"))
			}
			return b.Store.Complete(ctx, done)
		}
	}},
	{"long results are cut", "SettleResultOverCapRefused", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			done = slices.Clone(done)
			for i := range done {
				done[i].Returned = done[i].Returned[:min(len(done[i].Returned), 1<<20)]
			}
			return b.Store.Complete(ctx, done)
		}
	}},
	{"the caller's result is kept", "SettleResultCopied", func(b *broken) {
		kept := map[int64][]byte{}
		b.complete = func(ctx context.Context, done []store.Completion) error {
			kept[done[0].ID] = done[0].Returned
			return b.Store.Complete(ctx, done)
		}
		b.get = func(ctx context.Context, ids []int64) ([]store.Task, error) {
			tasks, err := b.Store.Get(ctx, ids)
			for i := range tasks {
				tasks[i].Returned = kept[tasks[i].ID]
			}
			return tasks, err
		}
	}},
	{"a failed task is tried again", "SettleFailFinal", func(b *broken) {
		b.fail = func(ctx context.Context, failed []store.Failure) error {
			var again []store.Rescheduling
			for _, f := range failed {
				again = append(again, store.Rescheduling{ID: f.ID, Lease: f.Lease, Err: f.Err})
			}
			return b.Store.Reschedule(ctx, again)
		}
	}},
	{"a completed task comes again", "SettleCompleteOnce", func(b *broken) {
		b.complete = func(ctx context.Context, done []store.Completion) error {
			return b.Store.Reschedule(ctx, []store.Rescheduling{{ID: done[0].ID, Lease: done[0].Lease, Kind: store.Release}})
		}
	}},
	{"cancelled fails leave the task running", "SettleCancelledIsFinal", func(b *broken) {
		b.fail = func(ctx context.Context, failed []store.Failure) error {
			return b.Store.Fail(ctx, slices.DeleteFunc(slices.Clone(failed), func(f store.Failure) bool { return f.Cancelled }))
		}
	}},
	{"finished tasks do not say when", "SettleStatusAndTimes", func(b *broken) {
		b.get = func(ctx context.Context, ids []int64) ([]store.Task, error) {
			tasks, err := b.Store.Get(ctx, ids)
			for i := range tasks {
				tasks[i].Finished = time.Time{}
			}
			return tasks, err
		}
	}},
	{"errors are not recorded", "SettleErrorHistoryKept", rescheduled(func(r *store.Rescheduling) { r.Err = nil })},
	{"the last error is not recorded", "SettleFailKeepsError", func(b *broken) {
		b.fail = func(ctx context.Context, failed []store.Failure) error {
			failed = slices.Clone(failed)
			for i := range failed {
				failed[i].Err = nil
			}
			return b.Store.Fail(ctx, failed)
		}
	}},
	{"unclean error texts are refused", "SettleErrorTextCleaned", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			if again[0].Err != nil && again[0].Err.Text != store.CleanText(again[0].Err.Text) {
				return store.ErrInvalid
			}
			return b.Store.Reschedule(ctx, again)
		}
	}},
	{"retry counts nothing", "SettleRescheduleRetry", rescheduled(func(r *store.Rescheduling) {
		if r.Kind == store.Retry {
			r.Kind = store.Snooze
		}
	})},
	{"snooze counts as a retry", "SettleRescheduleSnooze", rescheduled(func(r *store.Rescheduling) {
		if r.Kind == store.Snooze {
			r.Kind = store.Retry
		}
	})},
	{"release makes the task due now", "SettleReleaseKeepsPlaceAndCounters", rescheduled(func(r *store.Rescheduling) {
		if r.Kind == store.Release {
			r.Kind, r.After = store.Snooze, 0
		}
	})},
	{"giving one task back frees its neighbours", "SettleRescheduleNeighboursStay", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			err := b.Store.Reschedule(ctx, again)
			all, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Running}}, store.Page{})
			for _, task := range all {
				if task.Lease == again[0].Lease {
					_ = b.Store.Reschedule(ctx, []store.Rescheduling{{ID: task.ID, Lease: task.Lease, Kind: store.Release}})
				}
			}
			return err
		}
	}},
	{"a repeated retry counts again", "SettleRescheduleRepeatCountsOnce", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			if err := b.Store.Reschedule(ctx, again); err == nil {
				return nil
			}
			l := store.NewLeaseID()
			c := newClaim(1)
			c.Lease = l
			if _, err := b.Store.ClaimDue(ctx, c); err != nil {
				return err
			}
			again = slices.Clone(again)
			again[0].Lease = l
			return b.Store.Reschedule(ctx, again)
		}
	}},
}

// rescheduled is a Reschedule whose items are changed on their way.
func rescheduled(edit func(*store.Rescheduling)) func(*broken) {
	return func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			again = slices.Clone(again)
			for i := range again {
				edit(&again[i])
			}
			return b.Store.Reschedule(ctx, again)
		}
	}
}
