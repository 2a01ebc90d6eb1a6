package redis

import (
	"context"
	"errors"
	"slices"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Cancel implements [store.Canceler].
func (s *Store) Cancel(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	a := administration{op: "cancel", may: func(t *store.Task) bool { return !t.Status.Terminal() && !t.CancelRequested }}
	return s.administer(ctx, &a, &f, limit)
}

// Retry implements [store.Retrier].
func (s *Store) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	a := administration{op: "retry", may: func(t *store.Task) bool {
		return t.Status == store.Failed || t.Status == store.Cancelled
	}}
	return s.administer(ctx, &a, &f, limit)
}

// SetDue implements [store.DueSetter].
func (s *Store) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if err := when.Validate(); err != nil {
		return nil, err
	}
	a := administration{op: "set due", when: when, may: func(t *store.Task) bool { return t.Status == store.Created }}
	return s.administer(ctx, &a, &f, limit)
}

// Delete implements [store.Deleter].
func (s *Store) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	a := administration{op: "delete", may: func(t *store.Task) bool {
		return t.Status != store.Running || f.IDs != nil // those that run are refused if they are named
	}}
	return s.administer(ctx, &a, &f, limit)
}

// An administration changes the tasks that match a filter.
type administration struct {
	op   string
	when store.When               // to make them due at
	may  func(t *store.Task) bool // change it, by the state that it had when it was read
}

// administer changes the tasks that match f, some at a time, until it has changed limit. The script
// decides by the state that a task has then.
func (s *Store) administer(
	ctx context.Context, a *administration, f *store.Filter, limit int,
) (changed []int64, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if f.IsZero() {
		return nil, store.Invalid(a.op, errors.New("the filter is empty: to mean every task, name every status"))
	}
	refused := store.BatchError{Op: a.op}
	err = s.walk(ctx, f, 0, false, func(some []store.Task) (bool, error) {
		some = slices.DeleteFunc(some, func(t store.Task) bool { return !a.may(&t) })
		for len(some) > 0 && (limit <= 0 || len(changed) < limit) {
			n := len(some)
			if limit > 0 {
				n = min(n, limit-len(changed))
			}
			ids, err := s.administerSome(ctx, a, f, some[:n], &refused)
			if err != nil {
				return false, err
			}
			changed, some = append(changed, ids...), some[n:]
		}
		return limit <= 0 || len(changed) < limit, nil
	})
	if err != nil {
		if len(changed) > 0 {
			return changed, unknown{err}
		}
		return nil, err
	}
	return changed, refused.OrNil()
}

func (s *Store) administerSome(
	ctx context.Context, a *administration, f *store.Filter, tasks []store.Task, refused *store.BatchError,
) (changed []int64, err error) {
	args := s.arguments(a.op, etaText(a.when.ETA), micros(a.when.Delay))
	queues := make(map[int64]string, len(tasks))
	for i := range tasks {
		args = append(args, idText(tasks[i].ID))
		queues[tasks[i].ID] = tasks[i].Queue
	}
	answers, err := s.run(ctx, &s.scripts.admin, args)
	if err != nil {
		return nil, err
	}
	s.work.Add(1)
	var news wake.News
	for i := 0; i+1 < len(answers[0]); i += 2 {
		text, _ := answers[0][i].(string)
		id, err := parseID(text)
		if err != nil {
			return nil, errAnswer
		}
		switch answers[0][i+1] {
		case "duplicate":
			refused.Refuse(slices.Index(f.IDs, id), id, store.ErrDuplicate)
			continue
		case "running":
			if f.IDs != nil {
				refused.Refuse(slices.Index(f.IDs, id), id, store.ErrRunning)
			}
			continue
		case "later": // nobody has to hear of it
		case "flagged":
			news.Cancelled(queues[id], id)
		default:
			news.Due(queues[id])
		}
		changed = append(changed, id)
	}
	s.board.Announce(&news)
	return changed, nil
}
