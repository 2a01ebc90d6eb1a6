package mongo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// A totalRecord is the sum of tallies: one document. Those that Folded names are part of it, so they
// do not count any more, until they are deleted and after.
type totalRecord struct {
	ID     string          `bson:"_id"`
	Seq    int64           `bson:"seq"` // goes up with each change
	Queues []queueRecord   `bson:"queues"`
	Folded []bson.ObjectID `bson:"folded"`

	Recounts int64 `bson:"recounts,omitempty"` // that have corrected it
}

// foldMost is how many tallies are folded at a time.
const foldMost = 5000

// aTally is a query for tallies: their ids are of another type than those of tasks.
func aTally() bson.M { return bson.M{"_id": bson.M{"$gte": bson.ObjectID{}}} }

func (s *Store) total(ctx context.Context) (t totalRecord, err error) {
	err = s.meta.FindOne(ctx, bson.M{"_id": "total"}).Decode(&t)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	return t, err
}

// fold adds tallies to the total and deletes them. The total is replaced only if nobody else has
// replaced it, and says which tallies are in it: so it does not matter where somebody stops, and
// nothing is added twice.
func (s *Store) fold(ctx context.Context) error {
	total, err := s.total(ctx)
	if err != nil {
		return err
	}
	if err := s.deleteFolded(ctx, total.Folded); err != nil {
		return err
	}
	tallies, err := readAll[tallyRecord](ctx, s.tasks, aTally(), options.Find().SetLimit(foldMost))
	if err != nil || len(tallies) == 0 {
		return err
	}
	sum := tallyOf(total.Queues)
	next := totalRecord{ID: "total", Seq: total.Seq + 1, Recounts: total.Recounts}
	for _, t := range tallies {
		sum.sum(tallyOf(t.Queues), 1)
		next.Folded = append(next.Folded, t.ID)
	}
	next.Queues = sum.records()
	if replaced, err := s.replaceTotal(ctx, total, next); err != nil || !replaced {
		return err
	}
	return s.deleteFolded(ctx, next.Folded)
}

// replaceTotal replaces the total, unless somebody else has done so meanwhile.
func (s *Store) replaceTotal(ctx context.Context, total, next totalRecord) (replaced bool, err error) {
	if total.ID == "" {
		_, err = s.meta.InsertOne(ctx, next)
		if mongo.IsDuplicateKeyError(err) {
			return false, nil
		}
		return err == nil, err
	}
	result, err := s.meta.ReplaceOne(ctx, bson.M{"_id": "total", "seq": total.Seq}, next)
	return err == nil && result.MatchedCount == 1, err
}

// correctTotal adds what the counts were found to be wrong by, unless another process has corrected them
// since there were so many recounts: it has found the same.
func (s *Store) correctTotal(ctx context.Context, by tally, recounts int64) (done bool, err error) {
	for {
		total, err := s.total(ctx)
		if err != nil || total.Recounts != recounts {
			return false, err
		}
		next := total
		next.ID, next.Seq, next.Recounts = "total", total.Seq+1, total.Recounts+1
		sum := tallyOf(total.Queues)
		sum.sum(by, 1)
		next.Queues = sum.records()
		if done, err = s.replaceTotal(ctx, total, next); err != nil || done {
			return done, err
		}
	}
}

func (s *Store) deleteFolded(ctx context.Context, folded []bson.ObjectID) error {
	if len(folded) == 0 {
		return nil
	}
	_, err := s.tasks.DeleteMany(ctx, bson.M{"_id": bson.M{"$in": folded}})
	return err
}

// sum returns the numbers of tasks. Between two looks at the total it must not have changed.
func (s *Store) sum(ctx context.Context) (tally, error) {
	for {
		total, err := s.total(ctx)
		if err != nil {
			return nil, err
		}
		tallies, err := readAll[tallyRecord](ctx, s.tasks, aTally())
		if err != nil {
			return nil, err
		}
		after, err := s.total(ctx)
		if err != nil {
			return nil, err
		}
		if after.Seq != total.Seq {
			continue
		}
		sum := tallyOf(total.Queues)
		for _, t := range tallies {
			if !slices.Contains(total.Folded, t.ID) {
				sum.sum(tallyOf(t.Queues), 1)
			}
		}
		return sum, nil
	}
}

// Counts implements [store.Counter].
func (s *Store) Counts(ctx context.Context) ([]store.QueueCounts, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	sum, err := s.sum(alone(ctx))
	if err != nil {
		return nil, s.reading(err)
	}
	paused, err := s.paused(alone(ctx))
	if err != nil {
		return nil, s.reading(err)
	}
	byQueue := map[string]store.QueueCounts{}
	for queue, n := range sum {
		if *n != (numbers{}) {
			byQueue[queue] = store.QueueCounts{Queue: queue, Created: n[0], Running: n[1], Completed: n[2], Failed: n[3], Cancelled: n[4]}
		}
	}
	for _, queue := range paused {
		c := byQueue[queue]
		c.Queue, c.Paused = queue, true
		byQueue[queue] = c
	}
	return slices.SortedFunc(maps.Values(byQueue), func(a, b store.QueueCounts) int { return strings.Compare(a.Queue, b.Queue) }), nil
}
