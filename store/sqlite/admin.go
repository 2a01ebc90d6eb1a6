package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// Cancel implements [store.Canceler].
func (s *Store) Cancel(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	const state = "status = 'created' OR status = 'running' AND NOT cancel"
	return s.administer(ctx, "cancel", &f, limit, state, func(q *session, t *store.Task) error {
		if t.Status == store.Running {
			q.news.Cancelled(t.Queue, t.ID)
			return q.exec("UPDATE firefly_running SET cancel = 1 WHERE task = ?", t.ID)
		}
		if err := q.unready(t.ID, t.Queue, t.Priority, t.Due.UnixMicro()); err != nil {
			return err
		}
		q.count(t.Queue, store.Created, -1)
		history := sql.NullString{}
		if t.Errors != nil {
			history = sql.NullString{String: jsonOf(t.Errors), Valid: true}
		}
		return q.archive(&heldTask{id: t.ID, queue: t.Queue}, ending{status: store.Cancelled}, history)
	})
}

// Retry implements [store.Retrier].
func (s *Store) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "retry", &f, limit, "status IN ('failed', 'cancelled')", func(q *session, t *store.Task) error {
		if t.UniqueKey != "" {
			var one int
			err := q.row("SELECT 1 FROM firefly_task WHERE unique_key = ?", []any{t.UniqueKey}, &one)
			if err == nil {
				return store.ErrDuplicate
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		if err := q.exec("revive.sql", q.at, t.ID); err != nil {
			return err
		}
		if err := q.exec("DELETE FROM firefly_finished WHERE id = ?", t.ID); err != nil {
			return err
		}
		q.count(t.Queue, t.Status, -1)
		q.count(t.Queue, store.Created, 1)
		return q.ready(t.ID, t.Queue, t.Priority, t.Name, q.at)
	})
}

// SetDue implements [store.DueSetter].
func (s *Store) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if err := when.Validate(); err != nil {
		return nil, err
	}
	return s.administer(ctx, "set due", &f, limit, "status = 'created'", func(q *session, t *store.Task) error {
		if err := q.unready(t.ID, t.Queue, t.Priority, t.Due.UnixMicro()); err != nil {
			return err
		}
		due := q.due(when)
		if err := q.exec("UPDATE firefly_task SET due = ? WHERE id = ?", due, t.ID); err != nil {
			return err
		}
		return q.ready(t.ID, t.Queue, t.Priority, t.Name, due)
	})
}

// Delete implements [store.Deleter].
func (s *Store) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	deletable := "status <> 'running'"
	if f.IDs != nil {
		deletable = "1" // those that run are refused
	}
	return s.administer(ctx, "delete", &f, limit, deletable, func(q *session, t *store.Task) error {
		switch t.Status {
		case store.Running:
			return store.ErrRunning
		case store.Created:
			q.count(t.Queue, store.Created, -1)
			if err := q.unready(t.ID, t.Queue, t.Priority, t.Due.UnixMicro()); err != nil {
				return err
			}
			return q.exec("DELETE FROM firefly_task WHERE id = ?", t.ID)
		default:
			return q.remove("WHERE id = ?", t.ID)
		}
	})
}

// matching returns the ids of tasks, the lowest first, as many as that unless it is negative. A reader
// looks, as there may be many to look at, for which nobody who writes has to wait.
func (s *Store) matching(ctx context.Context, f *store.Filter, where string, args []any, most int) (ids []int64, err error) {
	text := selectFrom(f, "id", where, "id") + " LIMIT ?"
	err = s.reading(ctx, text, append(repeated(f, args), most), func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// administer lets act change the tasks that match f and are in one of the right states, until
// it has changed limit.
func (s *Store) administer(
	ctx context.Context, op string, f *store.Filter, limit int, state string, act func(q *session, t *store.Task) error,
) (changed []int64, err error) {
	if f.IsZero() {
		return nil, store.Invalid(op, errors.New("the filter is empty: to mean every task, name every status"))
	}
	where, args := s.conditions(f)
	where += " AND (" + state + ")"
	if f.IDs == nil {
		most := -1
		if limit > 0 && op != "retry" { // none of the others can be refused
			most = limit
		}
		ids, err := s.matching(ctx, f, where, args, most)
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		where, args = where+" AND id IN (SELECT value FROM json_each(?))", append(args, jsonOf(ids))
	}
	refused := store.BatchError{Op: op}
	err = s.inWrite(ctx, func(q *session) error {
		var tasks []store.Task
		err := q.query(selectFrom(f, "*", where, "id"), repeated(f, args), func(rows *sql.Rows) error {
			t, err := scanTask(rows)
			tasks = append(tasks, t)
			return err
		})
		if err != nil {
			return err
		}
		for i := range tasks {
			if limit > 0 && len(changed) == limit {
				break
			}
			err := act(q, &tasks[i])
			switch {
			case err == nil:
				changed = append(changed, tasks[i].ID)
			case errors.Is(err, store.ErrRunning), errors.Is(err, store.ErrDuplicate):
				refused.Refuse(slices.Index(f.IDs, tasks[i].ID), tasks[i].ID, err)
			default:
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, refused.OrNil()
}

// remove deletes finished tasks: those of a SELECT that ends as given.
func (q *session) remove(where string, args ...any) error {
	text := "DELETE FROM firefly_finished WHERE id IN (SELECT id FROM firefly_finished " + where + ") RETURNING queue, status"
	return q.query(text, args, func(rows *sql.Rows) error {
		var queue string
		var status store.Status
		err := rows.Scan(&queue, &status)
		q.count(queue, status, -1)
		return err
	})
}
