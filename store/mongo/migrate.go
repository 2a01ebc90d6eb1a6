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

// schemaVersion is of what Migrate makes. Releases that only add to it leave it alone.
const schemaVersion = 1

// keys are the fields of an index; those with a minus are in descending order.
func keys(fields ...string) bson.D {
	d := make(bson.D, 0, len(fields))
	for _, f := range fields {
		order := 1
		if f[0] == '-' {
			f, order = f[1:], -1
		}
		d = append(d, bson.E{Key: f, Value: order})
	}
	return d
}

// taskIndexes are of tasks. Each is partial, so a task that waits is in the first one alone, or in two if
// it has a unique key. (Sparse ones would do as well, but cost more on some servers.)
func taskIndexes() []mongo.IndexModel {
	index := func(name string, only bson.M) *options.IndexOptionsBuilder {
		return options.Index().SetName(name).SetPartialFilterExpression(only)
	}
	with := func(field string) bson.M { return bson.M{field: bson.M{"$exists": true}} }
	return []mongo.IndexModel{
		// A claim reads each queue in its order. The name is in front of it: tasks of other names are
		// not even passed over, however many they are.
		{Keys: keys("queue", "name", "-priority", "due", "_id"), Options: index("claim", bson.M{"status": store.Created})},
		// What a lease holds.
		{Keys: keys("lease"), Options: index("lease", with("lease"))},
		// Only live tasks have the field, so it is unique among those.
		{Keys: keys("held"), Options: index("held", with("held")).SetUnique(true)},
		// Retention, and lists of what failed.
		{Keys: keys("status", "finished"), Options: index("finished", with("finished"))},
		// Parents whose children are still to be stored.
		{Keys: keys("outbox"), Options: index("outbox", with("outbox"))},
	}
}

func leaseIndexes() []mongo.IndexModel {
	return []mongo.IndexModel{
		{Keys: keys("ends"), Options: options.Index().SetName("ends").SetSparse(true)},
		{Keys: keys("spent"), Options: options.Index().SetName("spent").SetSparse(true)},
	}
}

// A part is a collection and its indexes.
type part struct {
	collection *mongo.Collection
	indexes    []mongo.IndexModel
}

func (s *Store) parts() []part {
	return []part{{s.tasks, taskIndexes()}, {s.lease, leaseIndexes()}, {s.meta, nil}}
}

// documents are those that are always there, in meta: of the last id, and of the paused queues.
func documents() []bson.D {
	return []bson.D{
		{{Key: "_id", Value: "id"}, {Key: "last", Value: int64(0)}},
		{{Key: "_id", Value: "paused"}, {Key: "queues", Value: []string{}}},
	}
}

// Migrate implements [store.Migrator]: it creates the collections and their indexes. It needs the
// rights of the role dbOwner, or of readWrite, on the database.
func (s *Store) Migrate(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if s.beside.Closed() {
		return store.ErrClosed
	}
	if err := s.migrate(alone(ctx)); err != nil {
		return fmt.Errorf("mongo: migrate: %w", store.Definite(s.explain(err))) // it may be repeated at any time
	}
	return s.look(ctx)
}

func (s *Store) migrate(ctx context.Context) error {
	version, err := s.version(ctx)
	if err != nil {
		return err
	}
	if version > schemaVersion {
		return ErrTooNew
	}
	for _, c := range s.parts() {
		name := c.collection.Name()
		if err := s.db.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
			return fmt.Errorf("create %s: %w", name, err)
		}
		if len(c.indexes) == 0 {
			continue
		}
		if _, err := c.collection.Indexes().CreateMany(ctx, c.indexes); err != nil {
			return fmt.Errorf("index %s: %w", name, err)
		}
	}
	// Not every server keeps two apart that make one document by an upsert at once.
	for _, d := range documents() {
		if _, err := s.meta.InsertOne(ctx, d); err != nil && !mongo.IsDuplicateKeyError(err) {
			return err
		}
	}
	_, err = s.meta.UpdateOne(ctx, bson.M{"_id": "schema"}, bson.M{"$max": bson.M{"version": schemaVersion}},
		options.UpdateOne().SetUpsert(true))
	if mongo.IsDuplicateKeyError(err) { // somebody else has done it
		err = nil
	}
	return err
}

// version returns that of the collections, zero if there are none.
func (s *Store) version(ctx context.Context) (int, error) {
	var schema struct {
		Version int `bson:"version"`
	}
	err := s.meta.FindOne(alone(ctx), bson.M{"_id": "schema"}).Decode(&schema)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil
	}
	return schema.Version, err
}
