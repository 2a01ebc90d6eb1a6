package postgres

import (
	"context"

	"github.com/fireflytasks/go-firefly/internal/wake"
)

// Pause implements [store.Pauser].
func (s *Store) Pause(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, queues, "INSERT INTO firefly.pause SELECT DISTINCT unnest($1::text[]) ON CONFLICT DO NOTHING")
}

// Resume implements [store.Pauser].
func (s *Store) Resume(ctx context.Context, queues []string) error {
	err := s.setPaused(ctx, queues, "DELETE FROM firefly.pause WHERE queue = ANY ($1::text[])")
	if err == nil {
		s.announce(&wake.News{Queues: distinct(queues)})
	}
	return err
}

func (s *Store) setPaused(ctx context.Context, queues []string, text string) error {
	return s.call(ctx, func(q *session) error {
		return q.query(ctx, inSchema(text, s.schema), []any{queues}, func(scanner) error { return nil })
	})
}

// Paused implements [store.Pauser].
func (s *Store) Paused(ctx context.Context) (paused []string, err error) {
	err = s.reading(ctx, func(q *session) error {
		return q.query(ctx, inSchema("SELECT queue FROM firefly.pause ORDER BY queue", s.schema), nil, func(r scanner) error {
			var queue string
			err := r.Scan(&queue)
			paused = append(paused, queue)
			return err
		})
	})
	return paused, err
}
