package mongo

import (
	"context"
	"regexp"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// readAll returns all that a query finds.
func readAll[T any](
	ctx context.Context, c *mongo.Collection, filter bson.M, opts ...options.Lister[options.FindOptions],
) (all []T, err error) {
	opts = append(opts, options.Find().SetBatchSize(mostClaimed)) // all is wanted, in as few replies as it fits in
	cursor, err := c.Find(ctx, filter, opts...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for cursor.Next(ctx) {
		var one T
		if err := bson.Unmarshal(cursor.Current, &one); err != nil { // cursor.Decode makes a buffer for each
			return nil, damaged(cursor.Current, err)
		}
		all = append(all, one)
	}
	return all, cursor.Err()
}

// Get implements [store.Getter].
func (s *Store) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	if err := s.enter(ctx); err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := s.read(alone(ctx), bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*store.Task, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	tasks := make([]store.Task, 0, len(found))
	for _, id := range ids {
		if t := byID[id]; t != nil {
			tasks = append(tasks, t.Clone())
		}
	}
	return tasks, nil
}

// defaultPage is the limit of a page that sets none.
const defaultPage = 100

// List implements [store.Lister].
func (s *Store) List(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	at, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	beyond, order := "$gt", "_id"
	if p.Newest {
		order = "-_id"
		if p.After != 0 {
			beyond = "$lt"
		}
	}
	filter := conditions(&f, at.early)
	filter = append(filter, bson.M{"_id": bson.M{beyond: p.After}})
	return s.read(alone(ctx), and(filter), options.Find().SetSort(keys(order)).SetLimit(int64(p.Limit)))
}

// read returns the tasks that a query finds, with the ends of their leases.
func (s *Store) read(ctx context.Context, filter bson.M, opts ...options.Lister[options.FindOptions]) ([]store.Task, error) {
	opts = append(opts, options.Find().SetProjection(bson.M{"children": 0}))
	records, err := readAll[record](ctx, s.tasks, filter, opts...)
	if err != nil {
		return nil, s.reading(err)
	}
	var leases [][]byte
	seen := map[string]bool{}
	for i := range records {
		if l := records[i].Lease; l != nil && !seen[string(l)] {
			seen[string(l)] = true
			leases = append(leases, l)
		}
	}
	ends := map[string]int64{}
	if len(leases) > 0 {
		found, err := readAll[leaseRecord](ctx, s.lease, bson.M{"_id": bson.M{"$in": leases}})
		if err != nil {
			return nil, s.reading(err)
		}
		for i := range found {
			ends[string(found[i].ID)] = found[i].Ends
		}
	}
	tasks := make([]store.Task, len(records))
	for i := range records {
		if tasks[i], err = records[i].task(); err != nil {
			return nil, err
		}
		tasks[i].LeaseEnd = fromMicros(ends[string(records[i].Lease)])
	}
	return tasks, nil
}

// conditions are a filter as queries that all have to hold. A field that is asked for is there only in
// tasks, so the tallies among them match none.
func conditions(f *store.Filter, now int64) []bson.M {
	all := []bson.M{{"status": bson.M{"$in": statusesOf(f)}}}
	in := func(field string, values any) { all = append(all, bson.M{field: bson.M{"$in": values}}) }
	if f.IDs != nil {
		in("_id", f.IDs)
	}
	if f.Queues != nil {
		in("queue", f.Queues)
	}
	if f.Names != nil {
		in("name", f.Names)
	}
	if f.ErrorText != "" { // of the last error
		all = append(all, lastErrorContains(f.ErrorText))
	}
	if f.OlderThan > 0 {
		before := bson.M{"$lte": now - micros(f.OlderThan)}
		all = append(all, bson.M{"$or": []bson.M{
			{"finished": before},
			{"finished": nil, "created": before},
		}})
	}
	return all
}

func statusesOf(f *store.Filter) []store.Status {
	if f.Statuses != nil {
		return f.Statuses
	}
	return statuses
}

// lastErrorContains narrows to tasks of which any error has the text, for which there is an operator,
// and of these to those of which the last one has.
func lastErrorContains(text string) bson.M {
	last := bson.M{"$arrayElemAt": bson.A{"$errors.text", -1}}
	return bson.M{
		"errors.text": bson.M{"$regex": regexp.QuoteMeta(text)},
		"$expr":       bson.M{"$gte": bson.A{bson.M{"$indexOfBytes": bson.A{last, bson.M{"$literal": text}}}, 0}},
	}
}

func and(all []bson.M) bson.M { return bson.M{"$and": all} }
