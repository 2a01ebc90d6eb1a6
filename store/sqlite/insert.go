package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const opInsert = "insert" // as a BatchError names it

// Insert implements [store.Writer].
func (s *Store) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	if err := s.locked(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	err := s.reserve(ctx, max(len(tasks), store.MaxTx))
	if err == nil {
		err = s.transact(ctx, func(q *session) error { return q.insertAll(tasks, out, &refused) })
	}
	if err != nil {
		return nil, err
	}
	return out, refused.OrNil()
}

func (q *session) insertAll(tasks []store.NewTask, out []store.Inserted, refused *store.BatchError) error {
	for i := range tasks {
		n := &tasks[i]
		err := n.Validate()
		if err != nil {
			refused.Refuse(i, n.ID, err)
			continue
		}
		if n.ID, err = q.number(n.ID); err != nil {
			return err
		}
		if out[i], err = q.insert(n); err != nil {
			return err
		}
	}
	return nil
}

// insert stores a valid task that has an id.
func (q *session) insert(n *store.NewTask) (store.Inserted, error) {
	var created, due int64
	err := q.row("existing.sql", []any{n.ID}, &created, &due)
	if err == nil {
		return store.Inserted{ID: n.ID, Created: fromMicros(created), Due: fromMicros(due)}, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return store.Inserted{}, err
	}
	if n.UniqueKey != "" {
		if in, err := q.collide(n); !errors.Is(err, sql.ErrNoRows) {
			return in, err
		}
	}
	due = q.due(n.When())
	err = q.exec("insert_task.sql", n.ID, n.Name, n.Queue, n.Priority, n.Encoding, blob(n.Params), metaText(n.Meta), q.at, due,
		n.MaxRetries, int64(n.RetryDelay), int64(n.Timeout), sql.NullString{String: n.UniqueKey, Valid: n.UniqueKey != ""})
	if err == nil {
		err = q.ready(n.ID, n.Queue, n.Priority, n.Name, due)
	}
	q.count(n.Queue, store.Created, 1)
	return store.Inserted{ID: n.ID, Created: fromMicros(q.at), Due: fromMicros(due)}, err
}

// collide says what becomes of a task whose key is held: sql.ErrNoRows if it is not.
func (q *session) collide(n *store.NewTask) (store.Inserted, error) {
	var id, due int64
	var name, queue string
	var priority int
	var running bool
	if err := q.row("key_holder.sql", []any{n.UniqueKey}, &id, &name, &queue, &priority, &due, &running); err != nil {
		return store.Inserted{}, err
	}
	if !n.Replace || running || name != n.Name || queue != n.Queue {
		return store.Inserted{ID: id, Outcome: store.Existing}, nil
	}
	if err := q.unready(id, queue, priority, due); err != nil {
		return store.Inserted{}, err
	}
	due = q.due(n.When())
	err := q.exec("replace_task.sql", n.Priority, n.Encoding, blob(n.Params), metaText(n.Meta), due,
		n.MaxRetries, int64(n.RetryDelay), int64(n.Timeout), id)
	if err == nil {
		err = q.ready(id, queue, n.Priority, name, due)
	}
	return store.Inserted{ID: id, Outcome: store.Replaced}, err
}

// due returns when a task is to be due, rounded up.
func (q *session) due(w store.When) int64 {
	if w.ETA.IsZero() {
		return q.at + micros(w.Delay)
	}
	at := w.ETA.UnixMicro()
	if w.ETA.Nanosecond()%1000 > 0 {
		at++
	}
	return max(at, q.at)
}

// ready lets a task wait to be claimed; unready takes it away.
func (q *session) ready(id int64, queue string, priority int, name string, due int64) error {
	q.news.Due(queue)
	return q.exec("INSERT INTO firefly_ready (queue, urgency, due, id, name) VALUES (?, ?, ?, ?, ?)", queue, -priority, due, id, name)
}

func (q *session) unready(id int64, queue string, priority int, due int64) error {
	return q.exec("DELETE FROM firefly_ready WHERE queue = ? AND urgency = ? AND due = ? AND id = ?", queue, -priority, due, id)
}

// micros converts a duration, rounded up.
func micros(d time.Duration) int64 {
	up := int64(0)
	if d%time.Microsecond > 0 {
		up = 1
	}
	return int64(d/time.Microsecond) + up
}

func fromMicros(at int64) time.Time { return time.UnixMicro(at).UTC() }

// blob keeps nil apart from empty.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func metaText(meta map[string]string) any {
	if meta == nil {
		return nil
	}
	text, _ := json.Marshal(meta) // strings always marshal
	return string(text)
}
