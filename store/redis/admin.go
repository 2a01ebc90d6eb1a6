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
	return s.administer(ctx, "cancel", &f, limit, func(t *store.Task) bool { return !t.Status.Terminal() && !t.CancelRequested })
}

// Retry implements [store.Retrier].
func (s *Store) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "retry", &f, limit, func(t *store.Task) bool {
		return t.Status == store.Failed || t.Status == store.Cancelled
	})
}

// Delete implements [store.Deleter].
func (s *Store) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "delete", &f, limit, func(t *store.Task) bool {
		return t.Status != store.Running || f.IDs != nil // those that run are refused if they are named
	})
}

// administer changes the tasks that match f, some at a time, until it has changed limit. The script
// decides by the state that a task has then.
func (s *Store) administer(
	ctx context.Context, op string, f *store.Filter, limit int, may func(t *store.Task) bool,
) (changed []int64, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if f.IsZero() {
		return nil, store.Invalid(op, errors.New("the filter is empty: to mean every task, name every status"))
	}
	refused := store.BatchError{Op: op}
	err = s.walk(ctx, f, 0, false, func(some []store.Task) (bool, error) {
		some = slices.DeleteFunc(some, func(t store.Task) bool { return !may(&t) })
		for len(some) > 0 && (limit <= 0 || len(changed) < limit) {
			n := len(some)
			if limit > 0 {
				n = min(n, limit-len(changed))
			}
			ids, err := s.administerSome(ctx, op, f, some[:n], &refused)
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
	ctx context.Context, op string, f *store.Filter, tasks []store.Task, refused *store.BatchError,
) (changed []int64, err error) {
	args := s.arguments(op)
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
	for a := 0; a+1 < len(answers[0]); a += 2 {
		text, _ := answers[0][a].(string)
		id, err := parseID(text)
		if err != nil {
			return nil, errAnswer
		}
		switch answers[0][a+1] {
		case "duplicate":
			refused.Refuse(slices.Index(f.IDs, id), id, store.ErrDuplicate)
			continue
		case "running":
			if f.IDs != nil {
				refused.Refuse(slices.Index(f.IDs, id), id, store.ErrRunning)
			}
			continue
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
