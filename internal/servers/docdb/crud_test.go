package docdb_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

func TestReadAndWrite(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(3)...)
	t.Run("update", func(t *testing.T) {
		r, err := c.UpdateMany(t.Context(), d{{Key: "n", Value: d{{Key: "$gte", Value: 1}}}}, inc(10))
		if err != nil || r.MatchedCount != 2 || r.ModifiedCount != 2 {
			t.Errorf("got %+v, error %v", r, err)
		}
		c.wantN(2, 12)
	})
	t.Run("update nothing", func(t *testing.T) {
		r, err := c.UpdateOne(t.Context(), byID(77), inc(10))
		if err != nil || r.MatchedCount != 0 {
			t.Errorf("got %+v, error %v", r, err)
		}
	})
	t.Run("upsert", func(t *testing.T) {
		r, err := c.UpdateOne(t.Context(), byID(7), inc(70), options.UpdateOne().SetUpsert(true))
		if err != nil || r.UpsertedCount != 1 || r.UpsertedID != int32(7) {
			t.Errorf("got %+v, error %v", r, err)
		}
		c.wantN(7, 70)
	})
	t.Run("replace and delete", func(t *testing.T) {
		if _, err := c.ReplaceOne(t.Context(), byID(7), d{{Key: "n", Value: 71}}); err != nil {
			t.Error(err)
		}
		c.wantN(7, 71)
		if r, err := c.DeleteMany(t.Context(), d{{Key: "n", Value: 71}}); err != nil || r.DeletedCount != 1 {
			t.Errorf("got %+v, error %v", r, err)
		}
		c.wantCount(3)
	})
	t.Run("find one and update, sorted", func(t *testing.T) {
		var got struct{ ID, N int }
		err := c.FindOneAndUpdate(t.Context(), d{}, inc(100), options.FindOneAndUpdate().
			SetSort(d{{Key: "n", Value: -1}}).SetHint("_id_").SetReturnDocument(options.After)).Decode(&got)
		if err != nil || got.N != 112 {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
	t.Run("find one and update nothing", func(t *testing.T) {
		if err := c.FindOneAndUpdate(t.Context(), byID(77), inc(1)).Err(); !errors.Is(err, mongo.ErrNoDocuments) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("aggregate", func(t *testing.T) {
		cursor, err := c.Aggregate(t.Context(), mongo.Pipeline{{{Key: "$group", Value: d{{Key: "_id", Value: nil}, {Key: "n", Value: d{{Key: "$sum", Value: "$n"}}}}}}})
		must(t, err)
		var sums []struct{ N int }
		if err := cursor.All(t.Context(), &sums); err != nil || len(sums) != 1 || sums[0].N != 0+11+112 {
			t.Errorf("got %v, error %v", sums, err)
		}
	})
	t.Run("distinct", func(t *testing.T) {
		var ns []int
		if err := c.Distinct(t.Context(), "n", d{}).Decode(&ns); err != nil || len(ns) != 3 {
			t.Errorf("got %v, error %v", ns, err)
		}
	})
	t.Run("no reply is wanted", func(t *testing.T) {
		unacknowledged := db.Collection("c", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
		if _, err := unacknowledged.InsertOne(t.Context(), doc(50, 50)); err != nil {
			t.Error(err)
		}
		eventually(t, "it is stored", func() bool { return c.count(t.Context(), byID(50)) == 1 })
	})
	t.Run("an unknown command", func(t *testing.T) {
		wantCode(t, db.RunCommand(t.Context(), d{{Key: "inventTheWheel", Value: 1}}).Err(), 59, false)
	})
}

func TestBulkWrite(t *testing.T) {
	for _, tc := range []struct {
		ordered bool
		want    []any // the ids that are stored
	}{
		{true, a{1, 10}},
		{false, a{1, 10, 11}},
	} {
		db := newDatabase(t)
		c := db.with("c", doc(1, 1))
		_, err := c.BulkWrite(t.Context(), []mongo.WriteModel{
			mongo.NewInsertOneModel().SetDocument(doc(10, 1)),
			mongo.NewInsertOneModel().SetDocument(doc(1, 1)),
			mongo.NewInsertOneModel().SetDocument(doc(11, 1)),
		}, options.BulkWrite().SetOrdered(tc.ordered))
		var failed mongo.BulkWriteException
		if !errors.As(err, &failed) || len(failed.WriteErrors) != 1 || failed.WriteErrors[0].Index != 1 || failed.WriteErrors[0].Code != 11000 {
			t.Errorf("ordered %t: error %v", tc.ordered, err)
		}
		if c.wantCount(len(tc.want)); c.count(t.Context(), d{{Key: "_id", Value: d{{Key: "$in", Value: tc.want}}}}) != len(tc.want) {
			t.Errorf("ordered %t: others than %v are stored", tc.ordered, tc.want)
		}
	}
}

func TestCursors(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(100)...)
	for name, sort := range map[string]d{"unsorted": nil, "sorted": {{Key: "n", Value: -1}}} {
		t.Run(name, func(t *testing.T) {
			find := options.Find().SetBatchSize(7)
			if sort != nil {
				find.SetSort(sort)
			}
			cursor, err := c.Find(t.Context(), d{}, find)
			must(t, err)
			var all []struct{ N int }
			must(t, cursor.All(t.Context(), &all))
			seen := map[int]bool{}
			for i, doc := range all {
				if seen[doc.N] = true; sort != nil && doc.N != 99-i {
					t.Errorf("number %d is %d", i, doc.N)
				}
			}
			if len(all) != 100 || len(seen) != 100 {
				t.Errorf("%d documents, %d different ones", len(all), len(seen))
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		cursor, err := c.Find(t.Context(), d{}, options.Find().SetBatchSize(7).SetSort(d{{Key: "n", Value: 1}}))
		must(t, err)
		id := cursor.ID()
		must(t, cursor.Close(t.Context()))
		wantCode(t, db.RunCommand(t.Context(), d{{Key: "getMore", Value: id}, {Key: "collection", Value: "c"}}).Err(), 43, false)
	})
}

func TestCursorOfTransaction(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(100)...)
	tx := db.begin()
	cursor, err := c.Find(tx.ctx, d{}, options.Find().SetBatchSize(7).SetSort(d{{Key: "n", Value: 1}}))
	must(t, err)
	more := d{{Key: "getMore", Value: cursor.ID()}, {Key: "collection", Value: "c"}}
	other := db.begin()
	wantCode(t, db.RunCommand(other.ctx, more).Err(), 43, false)
	must(t, db.RunCommand(tx.ctx, more).Err())
	tx.commit()
	wantCode(t, db.RunCommand(t.Context(), more).Err(), 43, false)
}

func TestIndexes(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c")
	keys := d{{Key: "x", Value: 1}, {Key: "y", Value: -1}}
	for range 2 { // an index that is there is no error
		if name, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: keys}); err != nil || name != "x_1_y_-1" {
			t.Errorf("name %s, error %v", name, err)
		}
	}
	_, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: keys, Options: options.Index().SetName("other")})
	wantCode(t, err, 85, false)
	list, err := c.Indexes().ListSpecifications(t.Context())
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	if err != nil || !slices.Equal(names, []string{"_id_", "x_1_y_-1"}) {
		t.Errorf("indexes %v, error %v", names, err)
	}
	must(t, race(8, func(int) error { // a store's servers start together
		_, err := db.Collection("new").Indexes().CreateMany(t.Context(), []mongo.IndexModel{
			{Keys: keys, Options: options.Index().SetUnique(true)}, {Keys: d{{Key: "z", Value: 1}}},
		})
		return err
	})...)
	must(t, c.Indexes().DropOne(t.Context(), "x_1_y_-1"))
	wantCode(t, c.Indexes().DropOne(t.Context(), "x_1_y_-1"), 27, false)
}

func TestUniqueIndexes(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c")
	c.unique(d{{Key: "k", Value: 1}}, options.Index().SetName("live").SetPartialFilterExpression(d{{Key: "live", Value: true}}))
	task := func(k string, live bool) d { return d{{Key: "k", Value: k}, {Key: "live", Value: live}} }
	insert := func(k string, live bool) error {
		_, err := c.InsertOne(t.Context(), task(k, live))
		return err
	}
	must(t, insert("a", true), insert("a", false), insert("a", false), insert("b", true))
	wantCode(t, insert("a", true), 11000, false)
	_, err := c.UpdateOne(t.Context(), task("a", false), set("live", true))
	wantCode(t, err, 11000, false)
	_, err = c.UpdateOne(t.Context(), task("a", true), set("live", false))
	must(t, err, insert("a", true))

	t.Run("of those who race for a key one gets it", func(t *testing.T) {
		for _, upsert := range []bool{false, true} {
			for range 10 {
				key := bson.NewObjectID().Hex()
				errs := race(8, func(int) error {
					if upsert {
						_, err := c.UpdateOne(t.Context(), task(key, true), set("x", 1), options.UpdateOne().SetUpsert(true))
						return err
					}
					return insert(key, true)
				})
				for _, err := range errs {
					if err != nil {
						wantCode(t, err, 11000, false)
					}
				}
				if n := c.count(t.Context(), task(key, true)); n != 1 {
					t.Errorf("upsert %t: %d have the key", upsert, n)
				}
			}
		}
	})
}

func TestClaimersRace(t *testing.T) {
	const tasks, claimers = 100, 8
	db := newDatabase(t)
	c := db.with("c", docs(tasks)...)
	var mu sync.Mutex
	claimed := map[int]int{}
	errs := race(claimers, func(int) error {
		for {
			var got struct{ N int }
			err := c.FindOneAndUpdate(t.Context(), d{{Key: "by", Value: nil}}, set("by", "me"),
				options.FindOneAndUpdate().SetSort(d{{Key: "n", Value: 1}})).Decode(&got)
			if errors.Is(err, mongo.ErrNoDocuments) {
				return nil
			} else if err != nil {
				return err
			}
			mu.Lock()
			claimed[got.N]++
			mu.Unlock()
		}
	})
	must(t, errs...)
	for n := range tasks {
		if claimed[n] != 1 {
			t.Errorf("%d is claimed %d times", n, claimed[n])
		}
	}
}

// race runs some functions at once.
func race(n int, run func(int) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = run(i) })
	}
	all.Wait()
	return errs
}
