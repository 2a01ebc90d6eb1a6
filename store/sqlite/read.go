package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// reading runs a query outside of the write connection, so that it waits for no writer.
func (s *Store) reading(ctx context.Context, text string, args []any, scan func(rows *sql.Rows) error) error {
	select {
	case <-s.done:
		return store.ErrClosed
	default:
	}
	rows, err := s.read.QueryContext(ctx, withPrefix(text, s.prefix), args...)
	if err == nil {
		err = eachRow(rows, scan)
	}
	return store.Definite(explain(err))
}

func (s *Store) readTasks(ctx context.Context, text string, args []any) (tasks []store.Task, err error) {
	err = s.reading(ctx, text, args, func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		tasks = append(tasks, t)
		return err
	})
	return tasks, err
}

// Get implements [store.Getter].
func (s *Store) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	found, err := s.readTasks(ctx, "SELECT * FROM firefly_all WHERE id IN (SELECT value FROM json_each(?))", []any{jsonOf(ids)})
	if err != nil {
		return nil, err
	}
	byID := map[int64]store.Task{}
	for _, t := range found {
		byID[t.ID] = t
	}
	tasks := make([]store.Task, 0, len(found))
	for _, id := range ids {
		if t, ok := byID[id]; ok {
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

func jsonOf[T any](list []T) string {
	if list == nil {
		return "[]"
	}
	text, _ := json.Marshal(list) // numbers and strings always marshal
	return string(text)
}

// defaultPage is the limit of a page that sets none.
const defaultPage = 100

// List implements [store.Lister].
func (s *Store) List(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
	where, args := s.conditions(&f)
	order := "id"
	if p.After != 0 {
		op := ">"
		if p.Newest {
			op = "<"
		}
		where, args = where+" AND id "+op+" ?", append(args, p.After)
	}
	if p.Newest {
		order = "id DESC"
	}
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	return s.readTasks(ctx, selectFrom(&f, "*", where, order)+" LIMIT ?", append(repeated(&f, args), p.Limit))
}

// views are those that may have a task that matches f.
func views(f *store.Filter) (names []string) {
	live := f.Statuses == nil || slices.ContainsFunc(f.Statuses, func(s store.Status) bool { return !s.Terminal() })
	done := f.Statuses == nil || slices.ContainsFunc(f.Statuses, store.Status.Terminal)
	if live || !done {
		names = append(names, "firefly_live")
	}
	if done {
		names = append(names, "firefly_done")
	}
	return names
}

// selectFrom is a query for tasks that match f by an expression, whose arguments come [repeated]. Both views
// are in the order of their primary keys already, and merged: the query ends with the last row that is read.
func selectFrom(f *store.Filter, columns, where, order string) string {
	parts := views(f)
	for i, view := range parts {
		parts[i] = "SELECT " + columns + " FROM " + view + " WHERE " + where
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY " + order
}

func repeated(f *store.Filter, args []any) []any {
	return slices.Repeat(args, len(views(f)))
}

// conditions returns a filter as an expression over firefly_all.
func (s *Store) conditions(f *store.Filter) (string, []any) {
	all := []string{"1"}
	var args []any
	among := func(column, list string) {
		all = append(all, column+" IN (SELECT value FROM json_each(?))")
		args = append(args, list)
	}
	if f.IDs != nil {
		among("id", jsonOf(f.IDs))
	}
	if f.Statuses != nil {
		among("status", jsonOf(f.Statuses))
	}
	if f.Queues != nil {
		among("queue", jsonOf(f.Queues))
	}
	if f.Names != nil {
		among("name", jsonOf(f.Names))
	}
	if f.ErrorText != "" {
		all = append(all, "instr(json_extract(errors, '$[#-1].error'), ?) > 0")
		args = append(args, f.ErrorText)
	}
	if f.OlderThan > 0 {
		all = append(all, "coalesce(finished, created) <= ?")
		args = append(args, s.now()-micros(f.OlderThan))
	}
	return strings.Join(all, " AND "), args
}

// Counts implements [store.Counter].
func (s *Store) Counts(ctx context.Context) (counts []store.QueueCounts, err error) {
	const text = `SELECT name, paused, created, running, completed, failed, cancelled FROM firefly_queue
		WHERE paused OR created + running + completed + failed + cancelled > 0 ORDER BY name`
	err = s.reading(ctx, text, nil, func(rows *sql.Rows) error {
		var c store.QueueCounts
		err := rows.Scan(&c.Queue, &c.Paused, &c.Created, &c.Running, &c.Completed, &c.Failed, &c.Cancelled)
		counts = append(counts, c)
		return err
	})
	return counts, err
}

// Paused implements [store.Pauser].
func (s *Store) Paused(ctx context.Context) (paused []string, err error) {
	err = s.reading(ctx, "SELECT name FROM firefly_queue WHERE paused ORDER BY name", nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		paused = append(paused, name)
		return err
	})
	return paused, err
}

// Pause implements [store.Pauser].
func (s *Store) Pause(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, queues, true)
}

// Resume implements [store.Pauser].
func (s *Store) Resume(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, queues, false)
}

func (s *Store) setPaused(ctx context.Context, queues []string, paused bool) error {
	return s.inWrite(ctx, func(q *session) error {
		for _, name := range queues {
			err := q.exec("INSERT INTO firefly_queue (name, paused) VALUES (?1, ?2)"+
				" ON CONFLICT (name) DO UPDATE SET paused = ?2", name, paused)
			if err != nil {
				return err
			}
			q.news.Due(name)
		}
		return nil
	})
}
