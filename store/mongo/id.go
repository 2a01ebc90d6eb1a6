package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// idBlock is how many ids are fetched at least.
const idBlock = 1000

// number gives ids to those tasks that have none. It is never part of a transaction, so no id is
// given twice.
func (s *Store) number(ctx context.Context, tasks []store.NewTask, valid []int) error {
	return s.ids.Number(tasks, valid, func(missing int) error {
		n := int64(max(idBlock, missing))
		end, err := s.increase(alone(ctx), n)
		if err != nil {
			return s.explain(err)
		}
		s.ids.Add(end-n+1, end+1)
		return nil
	})
}

// increase adds to the counter of ids and returns it.
func (s *Store) increase(ctx context.Context, n int64) (int64, error) {
	var counter struct {
		Last int64 `bson:"last"`
	}
	err := s.meta.FindOneAndUpdate(ctx, bson.M{"_id": "id"}, bson.M{"$inc": bson.M{"last": n}},
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&counter)
	if errors.Is(err, mongo.ErrNoDocuments) { // Migrate has made it; without it ids would be given again
		err = fmt.Errorf("document id of collection %s is gone: restore it, with the highest id of a task as its field last", s.meta.Name())
	}
	return counter.Last, err
}
