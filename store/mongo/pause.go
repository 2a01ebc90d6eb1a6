package mongo

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/wake"
)

// Pause implements [store.Pauser].
func (s *Store) Pause(ctx context.Context, queues []string) error {
	return s.setPaused(ctx, bson.M{"$addToSet": bson.M{"queues": bson.M{"$each": queues}}}, queues)
}

// Resume implements [store.Pauser].
func (s *Store) Resume(ctx context.Context, queues []string) error {
	err := s.setPaused(ctx, bson.M{"$pull": bson.M{"queues": bson.M{"$in": queues}}}, queues)
	if err == nil {
		var news wake.News
		for _, queue := range queues {
			news.Due(queue)
		}
		s.announce(&news)
	}
	return err
}

// setPaused changes the list of paused queues, which is one document, of Migrate's making.
func (s *Store) setPaused(ctx context.Context, change bson.M, queues []string) error {
	if err := s.enter(ctx); err != nil || len(queues) == 0 {
		return err
	}
	result, err := s.meta.UpdateOne(alone(ctx), bson.M{"_id": "paused"}, change)
	if err == nil && result.MatchedCount == 0 {
		err = ErrNotMigrated
	}
	return s.inDoubt(err)
}

// Paused implements [store.Pauser].
func (s *Store) Paused(ctx context.Context) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	paused, err := s.paused(alone(ctx))
	return paused, s.reading(err)
}

func (s *Store) paused(ctx context.Context) ([]string, error) {
	var list struct {
		Queues []string `bson:"queues"`
	}
	err := s.meta.FindOne(ctx, bson.M{"_id": "paused"}).Decode(&list)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	slices.Sort(list.Queues)
	return list.Queues, err
}
