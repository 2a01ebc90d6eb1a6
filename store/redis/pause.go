package redis

import (
	"context"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/wake"
)

// Pause implements [store.Pauser].
func (s *Store) Pause(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, queues, func(node *goredis.Client, members []any) error {
		return node.SAdd(ctx, s.key("p"), members...).Err()
	})
}

// Resume implements [store.Pauser].
func (s *Store) Resume(ctx context.Context, queues []string) error {
	err := s.setPaused(ctx, queues, func(node *goredis.Client, members []any) error {
		return node.SRem(ctx, s.key("p"), members...).Err()
	})
	if err == nil {
		s.board.Announce(&wake.News{Queues: queues})
	}
	return err
}

func (s *Store) setPaused(ctx context.Context, queues []string, set func(node *goredis.Client, members []any) error) error {
	if err := s.enter(ctx); err != nil || len(queues) == 0 {
		return err
	}
	members := make([]any, len(queues))
	for i, q := range queues {
		members[i] = q
	}
	return s.do(ctx, func(node *goredis.Client) error { return set(node, members) })
}

// Paused implements [store.Pauser].
func (s *Store) Paused(ctx context.Context) (paused []string, err error) {
	err = s.reading(ctx, func(node *goredis.Client) (err error) {
		paused, err = node.SMembers(ctx, s.key("p")).Result()
		return err
	})
	slices.Sort(paused)
	return paused, err
}
