package memory

import (
	"context"
	"maps"
	"slices"
)

// Pause implements [store.Pauser].
func (s *Store) Pause(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, queues, true)
}

// Resume implements [store.Pauser].
func (s *Store) Resume(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, queues, false)
}

func (s *Store) setPaused(ctx context.Context, queues []string, paused bool) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, name := range queues {
		q := s.queue(name)
		q.Paused = paused
		if q.idle() {
			delete(s.queues, name)
		}
	}
	if !paused {
		s.announceAll()
	}
	return nil
}

// Paused implements [store.Pauser].
func (s *Store) Paused(ctx context.Context) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var paused []string
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if s.queues[name].Paused {
			paused = append(paused, name)
		}
	}
	return paused, nil
}
