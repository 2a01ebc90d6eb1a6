package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const opInsert = "insert"

// Insert implements [store.Writer].
func (s *Store) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	for i := range tasks {
		if err := tasks[i].Validate(); err != nil {
			refused.Refuse(i, tasks[i].ID, err)
			continue
		}
		s.number(&tasks[i])
		out[i] = s.insert(&tasks[i])
	}
	return out, refused.OrNil()
}

// number gives a task an id, if it is not a repeat.
func (s *Store) number(t *store.NewTask) {
	if t.ID == 0 {
		t.ID = s.lastID + 1
	}
	s.lastID = max(s.lastID, t.ID)
}

// insert stores a valid task that has an id.
func (s *Store) insert(n *store.NewTask) store.Inserted {
	if r := s.rows[n.ID]; r != nil {
		return stored(r)
	}
	if holder := s.keys[n.UniqueKey]; holder != nil {
		if !n.Replace || holder.Status != store.Created || holder.Name != n.Name || holder.Queue != n.Queue {
			return store.Inserted{ID: holder.ID, Outcome: store.Existing}
		}
		s.change(holder, func(r *row) { r.fill(n, s.now) })
		return store.Inserted{ID: holder.ID, Outcome: store.Replaced}
	}
	r := &row{Task: store.Task{
		ID: n.ID, Name: n.Name, Queue: n.Queue, Status: store.Created, Created: s.now, UniqueKey: n.UniqueKey,
	}}
	r.fill(n, s.now)
	s.add(r)
	return stored(r)
}

func stored(r *row) store.Inserted {
	return store.Inserted{ID: r.ID, Outcome: store.Stored, Created: r.Created, Due: r.Due}
}

// fill sets what a new task brings and a replacing one takes over.
func (r *row) fill(n *store.NewTask, now time.Time) {
	r.Priority, r.Encoding = n.Priority, n.Encoding
	r.Params, r.Meta = slices.Clone(n.Params), maps.Clone(n.Meta)
	r.MaxRetries, r.RetryDelay, r.Timeout = n.MaxRetries, n.RetryDelay, n.Timeout
	r.Due = dueAt(n.When(), now)
}

func dueAt(w store.When, now time.Time) time.Time {
	if w.ETA.After(now) {
		return w.ETA.Round(0).UTC()
	}
	return now.Add(w.Delay)
}
