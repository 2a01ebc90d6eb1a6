package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

const (
	opInsert = "insert" // as a BatchError names it

	// A call takes at most so much: the rest goes in calls, and transactions, of its own.
	mostItems = 10_000
	mostBytes = 64 << 20
)

// ConcurrentInserts implements [store.ConcurrentInserter]. Two store 1.4 times as much as one,
// more no more.
func (s *Store) ConcurrentInserts() int { return 2 }

// Insert implements [store.Writer].
func (s *Store) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	valid, again := validate(tasks, &refused)
	if err := s.number(ctx, tasks, valid); err != nil {
		return nil, err
	}
	var news wake.News
	err := inChunks(valid, func(i int) int { return len(tasks[i].Params) }, func(part []int) error {
		if !again && len(part) >= copyFrom && !keyed(tasks, part) {
			return s.copyIn(ctx, tasks, part, out, &news)
		}
		return s.call(ctx, func(q *session) error {
			err := q.insert(ctx, tasks, part, again, out)
			if err == nil {
				q.committed()
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	s.announce(&news)
	return out, refused.OrNil()
}

// inChunks calls write for parts of the items that are small enough for one call. An error after
// the first call proves nothing any more.
func inChunks(items []int, size func(i int) int, write func(part []int) error) error {
	for first := 0; first < len(items); {
		end, bytes := first, 0
		for end < len(items) && end-first < mostItems && (end == first || bytes+size(items[end]) <= mostBytes) {
			bytes += size(items[end])
			end++
		}
		if err := write(items[first:end]); err != nil {
			if first > 0 {
				return unknown{err}
			}
			return err
		}
		first = end
	}
	return nil
}

// validate returns the positions of the valid tasks, and whether one of those is a repeat.
func validate(tasks []store.NewTask, refused *store.BatchError) (valid []int, again bool) {
	valid = make([]int, 0, len(tasks))
	for i := range tasks {
		if err := tasks[i].Validate(); err != nil {
			refused.Refuse(i, tasks[i].ID, err)
			continue
		}
		again = again || tasks[i].ID != 0
		valid = append(valid, i)
	}
	return valid, again
}

func keyed(tasks []store.NewTask, part []int) bool {
	for _, i := range part {
		if tasks[i].UniqueKey != "" {
			return true
		}
	}
	return false
}

// insert stores a part of the tasks, all of which have ids. No two calls of Insert in one
// transaction hold each other up for long: rows with keys are inserted in the order of those.
func (q *session) insert(ctx context.Context, tasks []store.NewTask, part []int, again bool, out []store.Inserted) error {
	if !again && !keyed(tasks, part) {
		return q.insertPlain(ctx, tasks, part, out)
	}
	c := newColumns(len(part))
	seen := make(map[int64]int, len(part)) // ids of repeats: the same may come twice
	items := make([]int, 0, len(part))
	var twice [][2]int
	for _, i := range part {
		if again {
			if first, ok := seen[tasks[i].ID]; ok {
				twice = append(twice, [2]int{first, i})
				continue
			}
			seen[tasks[i].ID] = i
		}
		c.add(&tasks[i])
		items = append(items, i)
	}
	var at time.Time
	args := []any{
		q.skew(), again, c.ids, c.names, c.queues, c.priorities, c.encodings, c.params, c.metas, c.etas, c.delays,
		c.maxRetries, c.retryDelays, c.timeouts, c.keys, c.replaces,
	}
	err := q.query(ctx, q.sql.insert, args, func(r scanner) error {
		var item int
		var id int64
		var outcome store.Outcome
		var created, due pgtype.Timestamptz
		if err := r.Scan(&item, &id, &outcome, &created, &due); err != nil {
			return err
		}
		if item == 0 {
			at = created.Time
			for _, i := range items {
				out[i] = store.Inserted{ID: tasks[i].ID, Created: at, Due: dueOf(&tasks[i], at)}
			}
			return nil
		}
		out[items[item-1]] = store.Inserted{ID: id, Outcome: outcome, Created: created.Time, Due: due.Time}
		return nil
	})
	if err != nil {
		return err
	}
	for _, pair := range twice {
		out[pair[1]] = out[pair[0]]
	}
	noteDue(tasks, items, out, at, &q.news)
	return nil
}

// insertPlain is insert for tasks without keys that are no repeats.
func (q *session) insertPlain(ctx context.Context, tasks []store.NewTask, part []int, out []store.Inserted) error {
	c := newColumns(len(part))
	for _, i := range part {
		c.add(&tasks[i])
	}
	var at time.Time
	text, args := q.sql.plain, []any{
		q.skew(), c.ids, c.names, c.queues, c.priorities, c.encodings, c.params, c.metas, c.etas, c.delays,
		c.maxRetries, c.retryDelays, c.timeouts,
	}
	if len(part) == 1 {
		text, args = q.sql.one, []any{
			q.skew(), c.ids[0], c.names[0], c.queues[0], c.priorities[0], c.encodings[0], c.params[0], c.metas[0], c.etas[0],
			c.delays[0], c.maxRetries[0], c.retryDelays[0], c.timeouts[0],
		}
	}
	if err := q.query(ctx, text, args, func(r scanner) error { return r.Scan(&at) }); err != nil {
		return err
	}
	at = at.UTC()
	for _, i := range part {
		out[i] = store.Inserted{ID: tasks[i].ID, Created: at, Due: dueOf(&tasks[i], at)}
	}
	noteDue(tasks, part, out, at, &q.news)
	return nil
}

// noteDue announces the queues of tasks that may be due.
func noteDue(tasks []store.NewTask, items []int, out []store.Inserted, at time.Time, news *wake.News) {
	for _, i := range items {
		if out[i].Outcome != store.Existing && !out[i].Due.After(at) {
			news.Due(tasks[i].Queue)
		}
	}
}

// dueOf computes as the functions do when a new task is due.
func dueOf(n *store.NewTask, at time.Time) time.Time {
	if n.ETA.IsZero() {
		return at.Add(time.Duration(micros(n.Delay)) * time.Microsecond)
	}
	if eta := roundUp(n.ETA); eta.After(at) {
		return eta
	}
	return at
}

func etaOf(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: roundUp(t), Valid: !t.IsZero()}
}

// roundUp returns t in whole microseconds, which is what the database keeps.
func roundUp(t time.Time) time.Time {
	return t.Add(time.Microsecond - 1).Truncate(time.Microsecond).UTC()
}

// micros converts a duration, rounded up.
func micros(d time.Duration) int64 {
	up := int64(0)
	if d%time.Microsecond > 0 {
		up = 1
	}
	return int64(d/time.Microsecond) + up
}

// columns are tasks as the arrays that the function insert_1 takes.
type columns struct {
	ids, delays, retryDelays, timeouts []int64
	names, queues, encodings           []string
	priorities                         []int16
	params                             [][]byte
	metas, keys                        []pgtype.Text
	etas                               []pgtype.Timestamptz
	maxRetries                         []int32
	replaces                           []bool
}

func newColumns(n int) *columns {
	return &columns{
		ids: make([]int64, 0, n), delays: make([]int64, 0, n), retryDelays: make([]int64, 0, n), timeouts: make([]int64, 0, n),
		names: make([]string, 0, n), queues: make([]string, 0, n), encodings: make([]string, 0, n), priorities: make([]int16, 0, n),
		params: make([][]byte, 0, n), metas: make([]pgtype.Text, 0, n), keys: make([]pgtype.Text, 0, n),
		etas: make([]pgtype.Timestamptz, 0, n), maxRetries: make([]int32, 0, n), replaces: make([]bool, 0, n),
	}
}

func (c *columns) add(n *store.NewTask) {
	c.ids = append(c.ids, n.ID)
	c.names = append(c.names, n.Name)
	c.queues = append(c.queues, n.Queue)
	c.priorities = append(c.priorities, int16(n.Priority)) //nolint:gosec // -2..2
	c.encodings = append(c.encodings, n.Encoding)
	c.params = append(c.params, n.Params)
	c.metas = append(c.metas, pgtype.Text{String: metaText(n.Meta), Valid: n.Meta != nil})
	c.etas = append(c.etas, etaOf(n.ETA))
	c.delays = append(c.delays, micros(n.Delay))
	c.maxRetries = append(c.maxRetries, int32(n.MaxRetries)) //nolint:gosec // validated
	c.retryDelays = append(c.retryDelays, int64(n.RetryDelay))
	c.timeouts = append(c.timeouts, int64(n.Timeout))
	c.keys = append(c.keys, pgtype.Text{String: n.UniqueKey, Valid: n.UniqueKey != ""})
	c.replaces = append(c.replaces, n.Replace)
}

func metaText(meta map[string]string) string {
	if meta == nil {
		return ""
	}
	text, _ := json.Marshal(meta) // strings always marshal
	return string(text)
}
