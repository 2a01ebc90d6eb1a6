package memory

import (
	"context"
	"errors"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// Cancel implements [store.Canceler].
func (s *Store) Cancel(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "cancel", &f, limit, func(r *row) (bool, error) {
		switch {
		case r.Status == store.Created:
			s.finish(r, store.Cancelled, store.LeaseID{}, nil)
		case r.Status == store.Running && !r.CancelRequested:
			s.change(r, func(r *row) { r.CancelRequested = true })
			s.announceCancel(r)
		default:
			return false, nil
		}
		return true, nil
	})
}

// Retry implements [store.Retrier].
func (s *Store) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "retry", &f, limit, func(r *row) (bool, error) {
		if r.Status != store.Failed && r.Status != store.Cancelled {
			return false, nil
		}
		if s.keys[r.UniqueKey] != nil {
			return false, store.ErrDuplicate
		}
		s.change(r, func(r *row) {
			old := r.Task
			r.Task = store.Task{
				ID: old.ID, Name: old.Name, Queue: old.Queue, Priority: old.Priority, Status: store.Created,
				Encoding: old.Encoding, Params: old.Params, Meta: old.Meta, Created: old.Created, Due: s.now,
				MaxRetries: old.MaxRetries, RetryDelay: old.RetryDelay, Timeout: old.Timeout,
				Errors: old.Errors, UniqueKey: old.UniqueKey,
			}
		})
		return true, nil
	})
}

// SetDue implements [store.DueSetter].
func (s *Store) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if err := when.Validate(); err != nil {
		return nil, err
	}
	return s.administer(ctx, "set due", &f, limit, func(r *row) (bool, error) {
		if r.Status != store.Created {
			return false, nil
		}
		s.change(r, func(r *row) { r.Due = dueAt(when, s.now) })
		return true, nil
	})
}

// Delete implements [store.Deleter].
func (s *Store) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "delete", &f, limit, func(r *row) (bool, error) {
		if r.Status == store.Running {
			if f.IDs != nil {
				return false, store.ErrRunning
			}
			return false, nil
		}
		s.remove(r)
		return true, nil
	})
}

// administer lets act change the rows that match f, until it has changed limit.
func (s *Store) administer(ctx context.Context, op string, f *store.Filter, limit int, act func(*row) (bool, error)) ([]int64, error) {
	if f.IsZero() {
		return nil, store.Invalid(op, errors.New("the filter is empty: to mean every task, name every status"))
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var changed []int64
	refused := store.BatchError{Op: op}
	for _, id := range s.candidates(f) {
		if limit > 0 && len(changed) == limit {
			break
		}
		r := s.rows[id]
		if !s.matches(r, f) {
			continue
		}
		done, err := act(r)
		if err != nil {
			refused.Refuse(slices.Index(f.IDs, id), id, err)
		}
		if done {
			changed = append(changed, id)
		}
	}
	return changed, refused.OrNil()
}
