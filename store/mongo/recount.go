package mongo

import (
	"context"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/store"
)

// The counts must be wrong by the same numbers at each of so many looks, a random time apart, to be
// corrected: calls that are under way make them seem wrong for less, and by other numbers.
const (
	recountLooks = 4
	recountPause = 2 * time.Second // at most
)

// Recount counts all tasks, which takes long where there are many, and corrects the counts if they are
// wrong. They may be after a worker or a server was killed in the middle of a write, or a connection was
// lost; the store itself recounts some time after that. On a stand-alone server it goes on for as long as tasks
// change all the time; elsewhere it looks at a snapshot, which must not take longer than a transaction
// may: a minute, if transactionLifetimeLimitSeconds was not changed.
func (s *Store) Recount(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	for {
		if done, _, err := s.recount(alone(ctx)); done || err != nil {
			return s.inDoubt(err)
		}
	}
}

// recount is not done as long as tasks change all the time. It returns how long its longest look took.
func (s *Store) recount(ctx context.Context) (done bool, took time.Duration, err error) {
	var first tally
	before, err := s.total(ctx)
	if err != nil {
		return false, took, err
	}
	for look := range recountLooks {
		began := time.Now()
		wrong, steady, err := s.wrongBy(ctx)
		took = max(took, time.Since(began))
		switch {
		case err != nil || !steady:
			return false, took, err
		case wrong.empty():
			return true, took, nil
		case look == 0:
			first = wrong
		case !wrong.minus(first).empty():
			return false, took, nil
		}
		select {
		case <-time.After(rand.N(recountPause)):
		case <-ctx.Done():
			return false, took, ended(ctx)
		}
	}
	if done, err = s.correctTotal(ctx, first, before.Recounts); done {
		s.logger.InfoContext(ctx, "firefly: corrected the counts", "database", s.db.Name(), "prefix", s.prefix)
	}
	return done, took, err
}

// wrongBy returns what is missing in the counts, unless they changed while the tasks were counted.
func (s *Store) wrongBy(ctx context.Context) (wrong tally, steady bool, err error) {
	if s.replicated {
		session, err := s.startTx(ctx)
		if err != nil {
			return nil, false, err
		}
		defer endTx(ctx, session)
		ctx = mongo.NewSessionContext(ctx, session)
	}
	before, err := s.sum(ctx)
	if err != nil {
		return nil, false, err
	}
	there, err := s.scan(ctx)
	if err != nil {
		return nil, false, err
	}
	after, err := s.sum(ctx)
	return there.minus(before), after.minus(before).empty(), err
}

// scan counts tasks one by one.
func (s *Store) scan(ctx context.Context) (tally, error) {
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
	there := tally{}
	for _, g := range groups {
		there.add(g.Of.Queue, g.Of.Status, g.N)
	}
	return there, nil
}
