package docdb_test

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const now = "$$NOW"

func TestNow(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(2)...)
	isPast := d{{Key: "$expr", Value: d{{Key: "$lte", Value: a{"$at", now}}}}}
	pipeline := func(f string, v any) mongo.Pipeline { return mongo.Pipeline{set(f, v)} }

	t.Run("in a pipeline that updates many", func(t *testing.T) {
		_, err := c.UpdateMany(t.Context(), d{}, pipeline("at", now))
		must(t, err)
		var got struct{ At time.Time }
		must(t, c.FindOne(t.Context(), byID(1)).Decode(&got))
		if off := time.Since(got.At).Abs(); off > time.Minute {
			t.Errorf("it is %s, off by %s", got.At, off)
		}
	})
	t.Run("in an expression", func(t *testing.T) {
		const hour = 3_600_000
		_, err := c.UpdateOne(t.Context(), byID(0), pipeline("at", d{{Key: "$add", Value: a{now, hour}}}))
		must(t, err)
		if n := c.count(t.Context(), isPast); n != 1 {
			t.Errorf("%d documents are of the past", n)
		}
		r, err := c.UpdateMany(t.Context(), isPast, pipeline("at", now))
		if err != nil || r.ModifiedCount != 1 {
			t.Errorf("got %+v, error %v", r, err)
		}
		must(t, c.FindOneAndUpdate(t.Context(), isPast, pipeline("at", now)).Err())
		if r, err := c.DeleteMany(t.Context(), isPast); err != nil || r.DeletedCount != 1 {
			t.Errorf("got %+v, error %v", r, err)
		}
	})
	t.Run("as a mere string", func(t *testing.T) {
		ways := map[string]any{
			"operator":   set("x", now),
			"literal":    pipeline("x", d{{Key: "$literal", Value: now}}),
			"field of u": d{{Key: "$set", Value: d{{Key: "x", Value: now}, {Key: "u", Value: a{now}}}}},
		}
		for name, update := range ways {
			_, err := c.UpdateOne(t.Context(), byID(name), update, options.UpdateOne().SetUpsert(true))
			must(t, err)
		}
		_, err := c.InsertOne(t.Context(), d{{Key: "x", Value: now}})
		must(t, err)
		if n := c.count(t.Context(), d{{Key: "x", Value: now}}); n != len(ways)+1 { // by $match
			t.Errorf("%d documents have the string", n)
		}
		if r, err := c.DeleteMany(t.Context(), d{{Key: "x", Value: now}}); err != nil || int(r.DeletedCount) != len(ways)+1 {
			t.Errorf("got %+v, error %v", r, err)
		}
	})
	t.Run("it goes on in a transaction", func(t *testing.T) {
		tx := db.begin()
		read := func() bson.RawValue {
			cursor, err := c.Aggregate(tx.ctx, mongo.Pipeline{{{Key: "$limit", Value: 1}}, {{Key: "$project", Value: d{{Key: "at", Value: now}}}}})
			must(t, err)
			defer func() { _ = cursor.Close(tx.ctx) }()
			if !cursor.Next(tx.ctx) {
				t.Fatalf("no document, error %v", cursor.Err())
			}
			return cursor.Current.Lookup("at")
		}
		first := read()
		eventually(t, "it is later", func() bool { return !read().Equal(first) })
	})
}
