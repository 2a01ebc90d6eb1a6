package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// ClaimDue implements [store.Store].
func (s *Store) ClaimDue(ctx context.Context, c store.Claim) (tasks []store.Task, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	err = s.inWrite(ctx, func(q *session) error {
		tasks = nil
		if c.Limit <= 0 || len(c.Names) == 0 || len(c.Queues) == 0 {
			return nil
		}
		var used int
		err := q.row("SELECT 1 FROM firefly_lease WHERE id = ?", []any{c.Lease[:]}, &used)
		if err == nil {
			tasks, err = q.again(&c)
			return err
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := q.takeBack(); err != nil {
			return err
		}
		tasks, err = q.claim(&c)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.clean(ctx)
	return tasks, nil
}

// claim leases due tasks in the order of rule 8.
func (q *session) claim(c *store.Claim) (tasks []store.Task, err error) {
	queues, err := q.unpaused(c.Queues)
	if err != nil {
		return nil, err
	}
	ends := q.at + micros(c.For)
	err = q.exec("INSERT INTO firefly_lease (id, ends, open, worker) VALUES (?, ?, 1, ?)", c.Lease[:], ends, c.Worker)
	if err != nil || len(queues) == 0 {
		return nil, err
	}
	for part := range slices.Chunk(lanesOf(queues), partLen(c.Names)) {
		text, args := firstOf(part, c.Names, q.at, c.Limit-len(tasks))
		err = q.query(text, args, func(rows *sql.Rows) error {
			t, err := scanTask(rows)
			t.Lease, t.LeaseEnd, t.Worker = c.Lease, fromMicros(ends), c.Worker
			tasks = append(tasks, t)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(tasks) == c.Limit {
			break
		}
	}
	for i := range tasks {
		t := &tasks[i]
		if err := q.unready(t.ID, t.Queue, t.Priority, t.Due.UnixMicro()); err != nil {
			return nil, err
		}
		if err := q.exec("INSERT INTO firefly_running (task, lease) VALUES (?, ?)", t.ID, c.Lease[:]); err != nil {
			return nil, err
		}
		q.count(t.Queue, store.Created, -1)
		q.count(t.Queue, store.Running, 1)
	}
	return tasks, nil
}

// A lane is what is claimed from in the order of due times.
type lane struct {
	queue   string
	urgency int
}

// lanesOf returns all lanes of queues, in the order of rule 8.
func lanesOf(queues []string) []lane {
	var all []lane
	for urgency := -store.MaxPriority; urgency <= -store.MinPriority; urgency++ {
		for _, queue := range queues {
			all = append(all, lane{queue, urgency})
		}
	}
	return all
}

// Limits of SQLite, by default: see sqlite.org/limits.html.
const (
	mostTerms     = 500 // of a compound SELECT
	mostArguments = 32_766
)

// partLen is how many lanes a statement can read.
func partLen(names []string) int { return max(1, min(mostTerms, (mostArguments-1)/(len(names)+4))) }

// firstOf returns the statement that reads the first due tasks of each lane, in the order of lanes. Each
// part is a range of firefly_ready's primary key, and SQLite goes through the parts of a UNION ALL one
// after the other, no further than the limit.
func firstOf(lanes []lane, names []string, now int64, limit int) (string, []any) {
	named := "name IN (?" + strings.Repeat(", ?", len(names)-1) + ")"
	var text strings.Builder
	var args []any
	text.WriteString("SELECT t.*, 'running', NULL, NULL, NULL, NULL, NULL, 0 FROM (") //nolint:dupword // as firefly_live
	for i, l := range lanes {
		if i > 0 {
			text.WriteString(" UNION ALL ")
		}
		text.WriteString("SELECT * FROM (SELECT id FROM firefly_ready WHERE queue = ? AND urgency = ? AND due <= ? AND " +
			named + " ORDER BY due, id LIMIT ?)")
		args = append(args, l.queue, l.urgency, now)
		for _, name := range names {
			args = append(args, name)
		}
		args = append(args, limit)
	}
	text.WriteString(" LIMIT ?) AS first CROSS JOIN firefly_task AS t ON t.id = first.id")
	return text.String(), append(args, limit)
}

// unpaused returns those of the queues that are not paused, each once.
func (q *session) unpaused(queues []string) ([]string, error) {
	paused := map[string]bool{}
	err := q.query("SELECT name FROM firefly_queue WHERE paused = 1", nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		paused[name] = true
		return err
	})
	var open []string
	for _, name := range queues {
		if !paused[name] {
			open = append(open, name)
			paused[name] = true
		}
	}
	return open, err
}

// again returns what the lease of a repeated claim still holds.
func (q *session) again(c *store.Claim) (tasks []store.Task, err error) {
	err = q.query("again.sql", []any{c.Lease[:]}, func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		tasks = append(tasks, t)
		return err
	})
	store.SortClaimed(tasks, c.Queues)
	return tasks, err
}
