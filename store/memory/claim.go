package memory

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// ClaimDue implements [store.Store].
func (s *Store) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if c.Limit <= 0 || len(c.Queues) == 0 || len(c.Names) == 0 {
		return nil, nil
	}
	if l := s.leases[c.Lease]; l != nil {
		return s.again(l, c.Queues), nil
	}
	s.takeBack()
	end := s.now.Add(c.For)
	var tasks []store.Task
	for len(tasks) < c.Limit {
		r := s.next(&c)
		if r == nil {
			break
		}
		s.change(r, func(r *row) {
			r.Status, r.Lease, r.LeaseEnd, r.Worker = store.Running, c.Lease, end, c.Worker
		})
		tasks = append(tasks, s.read(r))
	}
	if len(tasks) == 0 {
		s.retire(s.lease(c.Lease, end))
	}
	if len(tasks) < c.Limit {
		s.look(c.Queues)
	}
	return tasks, nil
}

// next returns the row that a claim takes next.
func (s *Store) next(c *store.Claim) *row {
	for priority := store.MaxPriority; priority >= store.MinPriority; priority-- {
		for _, name := range c.Queues {
			q := s.queues[name]
			if q == nil || q.Paused {
				continue
			}
			if r := q.next(priority, c.Names, s.now); r != nil {
				return r
			}
		}
	}
	return nil
}

// again returns what a lease still holds.
func (s *Store) again(l *lease, queues []string) []store.Task {
	tasks := make([]store.Task, 0, len(l.rows))
	for _, r := range l.rows {
		tasks = append(tasks, s.read(r))
	}
	store.SortClaimed(tasks, queues)
	return tasks
}
