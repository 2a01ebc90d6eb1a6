package memory

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// Get implements [store.Getter].
func (s *Store) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	tasks := make([]store.Task, 0, len(ids))
	for _, id := range ids {
		if r := s.rows[id]; r != nil {
			tasks = append(tasks, s.read(r))
		}
	}
	return tasks, nil
}

// defaultPage is the limit of a page that sets none.
const defaultPage = 100

// List implements [store.Lister].
func (s *Store) List(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	ids := s.candidates(&f)
	if p.Newest {
		slices.Reverse(ids)
	}
	var tasks []store.Task
	for _, id := range ids {
		beyond := p.After == 0 || (id > p.After) != p.Newest && id != p.After
		if r := s.rows[id]; beyond && s.matches(r, &f) {
			tasks = append(tasks, s.read(r))
		}
		if len(tasks) == p.Limit {
			break
		}
	}
	return tasks, nil
}

// candidates returns the ids of rows that f may match, lowest first.
func (s *Store) candidates(f *store.Filter) []int64 {
	var ids []int64
	switch {
	case f.IDs != nil:
		ids = slices.DeleteFunc(slices.Clone(f.IDs), func(id int64) bool { return s.rows[id] == nil })
	case f.OlderThan > 0 && onlyFinished(f): // a worker that deletes old ones asks often
		ids = s.finished.until(s.now.Add(-f.OlderThan))
	default:
		ids = slices.Collect(maps.Keys(s.rows))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// matches reports whether a row meets the conditions of f, but for the ids.
func (s *Store) matches(r *row, f *store.Filter) bool {
	since := r.Created
	if r.Status.Terminal() {
		since = r.Finished
	}
	last := ""
	if n := len(r.Errors); n > 0 {
		last = r.Errors[n-1].Text
	}
	return (f.Statuses == nil || slices.Contains(f.Statuses, r.Status)) &&
		(f.Queues == nil || slices.Contains(f.Queues, r.Queue)) &&
		(f.Names == nil || slices.Contains(f.Names, r.Name)) &&
		strings.Contains(last, f.ErrorText) &&
		s.now.Sub(since) >= f.OlderThan
}

// Counts implements [store.Counter].
func (s *Store) Counts(ctx context.Context) ([]store.QueueCounts, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	counts := make([]store.QueueCounts, 0, len(s.queues))
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		counts = append(counts, s.queues[name].QueueCounts)
	}
	return counts, nil
}
