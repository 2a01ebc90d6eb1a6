package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// tasks reads rows of the view entity.
func (q *session) tasks(ctx context.Context, text string, args []any) (tasks []store.Task, err error) {
	err = q.query(ctx, inSchema(text, q.schema), args, func(r scanner) error {
		t, err := scanEntity(r)
		tasks = append(tasks, t)
		return err
	})
	return tasks, err
}

// reading makes a call that changes nothing, so its errors are definite.
func (s *Store) reading(ctx context.Context, fn func(q *session) error) error {
	return store.Definite(s.callOnce(ctx, fn))
}

// Get implements [store.Getter].
func (s *Store) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	var found []store.Task
	err := s.reading(ctx, func(q *session) (err error) {
		found, err = q.tasks(ctx, q.sql.get, []any{ids})
		return err
	})
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*store.Task, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	tasks := make([]store.Task, 0, len(found))
	for _, id := range ids {
		if t := byID[id]; t != nil {
			tasks = append(tasks, t.Clone())
		}
	}
	return tasks, nil
}

// defaultPage is the limit of a page that sets none.
const defaultPage = 100

// List implements [store.Lister].
func (s *Store) List(ctx context.Context, f store.Filter, p store.Page) (tasks []store.Task, err error) {
	c := s.conditions(&f)
	order := "id"
	if p.After != 0 {
		op := ">"
		if p.Newest {
			op = "<"
		}
		c.add("id "+op+" %s", p.After)
	}
	if p.Newest {
		order = "id DESC"
	}
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	text := "SELECT * FROM firefly.entity WHERE " + c.text() + " ORDER BY " + order + fmt.Sprintf(" LIMIT %d", p.Limit)
	err = s.reading(ctx, func(q *session) (err error) {
		tasks, err = q.tasks(ctx, text, c.args)
		return err
	})
	return tasks, err
}

// conditions are a filter as an expression over the view entity.
type conditions struct {
	all  []string
	args []any
}

// add adds one, in which %s stands for the argument.
func (c *conditions) add(text string, arg any) {
	c.args = append(c.args, arg)
	c.all = append(c.all, fmt.Sprintf(text, fmt.Sprintf("$%d", len(c.args))))
}

func (c *conditions) text() string {
	if len(c.all) == 0 {
		return "true"
	}
	return strings.Join(c.all, " AND ")
}

func (s *Store) conditions(f *store.Filter) *conditions {
	c := &conditions{}
	if f.IDs != nil {
		c.add("id = ANY (%s)", f.IDs)
	}
	if f.Statuses != nil {
		statuses := make([]string, len(f.Statuses))
		for i, status := range f.Statuses {
			statuses[i] = string(status)
		}
		c.add("status = ANY (%s)", statuses)
	}
	if f.Queues != nil {
		c.add("queue = ANY (%s)", f.Queues)
	}
	if f.Names != nil {
		c.add("name = ANY (%s)", f.Names)
	}
	if f.ErrorText != "" {
		c.add("strpos(errors -> -1 ->> 'error', %s) > 0", f.ErrorText)
	}
	if f.OlderThan > 0 {
		c.add("since <= clock_timestamp() + %s::bigint * interval '1 microsecond'", s.skew()-micros(f.OlderThan))
	}
	return c
}

// Counts implements [store.Counter].
func (s *Store) Counts(ctx context.Context) (counts []store.QueueCounts, err error) {
	const text = `SELECT queue, EXISTS (SELECT FROM firefly.pause AS p WHERE p.queue = c.queue),
			sum(created)::bigint, sum(running)::bigint, sum(completed)::bigint, sum(failed)::bigint, sum(cancelled)::bigint
		FROM (
			SELECT * FROM firefly.total UNION ALL SELECT * FROM firefly.tally
			UNION ALL SELECT queue, 0, 0, 0, 0, 0 FROM firefly.pause
		) AS c GROUP BY queue ORDER BY queue`
	err = s.reading(ctx, func(q *session) error {
		return q.query(ctx, inSchema(text, s.schema), nil, func(r scanner) error {
			var c store.QueueCounts
			err := r.Scan(&c.Queue, &c.Paused, &c.Created, &c.Running, &c.Completed, &c.Failed, &c.Cancelled)
			if c.Paused || c.Created+c.Running+c.Completed+c.Failed+c.Cancelled > 0 {
				counts = append(counts, c)
			}
			return err
		})
	})
	return counts, err
}
