package firefly

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// A sendFunc makes one write of settlements.
type sendFunc func(ctx context.Context, w store.Writer, items []settlement) error

// A write is the settlements that one method of the store takes.
type write struct {
	send  sendFunc
	items []settlement
}

func sortByWrite(batch []settlement) []write {
	done, failed, again := write{send: complete}, write{send: fail}, write{send: reschedule}
	for _, it := range batch {
		switch it.outcome {
		case Completed:
			done.items = append(done.items, it)
		case Failed, Cancelled:
			failed.items = append(failed.items, it)
		default:
			again.items = append(again.items, it)
		}
	}
	return []write{done, failed, again}
}

func complete(ctx context.Context, w store.Writer, items []settlement) error {
	done := make([]store.Completion, len(items))
	for i, it := range items {
		done[i] = store.Completion{ID: it.run.task.ID, Lease: it.run.lease.id, Returned: it.returned}
	}
	return w.Complete(ctx, done)
}

func fail(ctx context.Context, w store.Writer, items []settlement) error {
	failed := make([]store.Failure, len(items))
	for i, it := range items {
		failed[i] = store.Failure{
			ID: it.run.task.ID, Lease: it.run.lease.id, Cancelled: it.outcome == Cancelled, Err: it.attemptError(),
		}
	}
	return w.Fail(ctx, failed)
}

func reschedule(ctx context.Context, w store.Writer, items []settlement) error {
	again := make([]store.Rescheduling, len(items))
	for i, it := range items {
		r := store.Rescheduling{ID: it.run.task.ID, Lease: it.run.lease.id, After: it.after}
		switch it.outcome {
		case Retried:
			r.Kind, r.Err = store.Retry, it.attemptError()
		case Snoozed:
			r.Kind = store.Snooze
		default:
			r.Kind = store.Release
		}
		again[i] = r
	}
	return w.Reschedule(ctx, again)
}

func (s *settlement) attemptError() *store.AttemptError {
	if s.err == nil {
		return nil
	}
	return &store.AttemptError{Attempt: s.run.task.Attempt(), Text: store.CleanText(s.err.Error())}
}
