package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/store"
)

// recountPause is how long the counts must be wrong by the same numbers to be corrected: calls that are
// under way make them seem so for less.
const recountPause = time.Second

// Recount counts all tasks, which takes long where there are many, and corrects the counts if they are
// wrong. They may be after a server was killed in the middle of a write, or a connection was lost; the
// store itself recounts after that, while it has work.
func (s *Store) Recount(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.inDoubt(s.recount(alone(ctx)))
}

func (s *Store) recount(ctx context.Context) error {
	first, err := s.wrongBy(ctx)
	if err != nil || first.empty() {
		return err
	}
	select {
	case <-time.After(recountPause):
	case <-ctx.Done():
		return ended(ctx)
	}
	again, err := s.wrongBy(ctx)
	if err != nil || !again.minus(first).empty() {
		return err // tasks are changing: another time
	}
	s.logger.InfoContext(ctx, "firefly: corrected the counts", "database", s.db.Name(), "prefix", s.prefix)
	return s.correct(ctx, again)
}

// wrongBy returns what is missing in the counts.
func (s *Store) wrongBy(ctx context.Context) (tally, error) {
	cursor, err := s.tasks.Aggregate(ctx, []bson.M{
		{"$match": bson.M{"_id": bson.M{"$gt": 0}}},
		{"$group": bson.M{"_id": bson.M{"queue": "$queue", "status": "$status"}, "n": bson.M{"$sum": 1}}},
	})
	if err != nil {
		return nil, err
	}
	var groups []struct {
		Of struct {
			Queue  string       `bson:"queue"`
			Status store.Status `bson:"status"`
		} `bson:"_id"`
		N int64 `bson:"n"`
	}
	if err := cursor.All(ctx, &groups); err != nil {
		return nil, err
	}
	counted, err := s.sum(ctx)
	if err != nil {
		return nil, err
	}
	there := tally{}
	for _, g := range groups {
		there.add(g.Of.Queue, g.Of.Status, g.N)
	}
	return there.minus(counted), nil
}
