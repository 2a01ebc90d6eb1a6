package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
)

// do lets f use the node in charge, again if the namespace has moved.
func (s *Store) do(ctx context.Context, f func(node *goredis.Client) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	for try := 1; ; try++ {
		node, err := s.server.node(ctx)
		if err != nil {
			return fmt.Errorf("%w: the cluster's state cannot be read: %w", store.ErrUnavailable, err)
		}
		if err = f(node); err == nil {
			return nil
		}
		if !s.server.moved(ctx, err) || try == movedTries {
			return s.failed(err, false)
		}
		select {
		case <-time.After(movedPause):
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// reading is do for what changes nothing, so its errors are definite.
func (s *Store) reading(ctx context.Context, f func(node *goredis.Client) error) error {
	return store.Definite(s.do(ctx, f))
}

// increase reserves n ids and returns the last.
func (s *Store) increase(ctx context.Context, n int64) (end int64, err error) {
	answers, err := s.run(ctx, &s.scripts.number, s.arguments(n))
	if err != nil {
		return 0, err
	}
	if len(answers[0]) == 1 {
		end, _ = answers[0][0].(int64)
	}
	if end < n {
		return 0, errAnswer
	}
	return end, nil
}
