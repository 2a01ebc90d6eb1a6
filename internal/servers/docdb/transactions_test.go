package docdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

// lifetime is how long a transaction may be open.
const lifetime = time.Minute

func TestCommit(t *testing.T) {
	db := newDatabase(t)
	one, two := db.with("one", doc(0, 0)), db.with("two")
	tx := db.begin()
	_, err := one.InsertOne(tx.ctx, doc(1, 0))
	_, err2 := two.InsertMany(tx.ctx, docs(2))
	_, err3 := one.UpdateOne(tx.ctx, byID(0), inc(5))
	must(t, err, err2, err3)
	if inside := one.count(tx.ctx, d{}); inside != 2 || one.n(tx.ctx, 0) != 5 {
		t.Errorf("the transaction does not see what it has done: %d documents", inside)
	}
	one.wantCount(1)
	two.wantCount(0)
	one.wantN(0, 0)
	for range 2 { // a client that gets no reply commits again
		tx.commit()
		one.wantCount(2)
		two.wantCount(2)
		one.wantN(0, 5)
	}
	tx.again()
	tx.commit() // nothing
}

func TestAbort(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(2)...)
	tx := db.begin()
	_, err := c.InsertOne(tx.ctx, doc(2, 0))
	_, err2 := c.UpdateMany(tx.ctx, d{}, inc(5))
	_, err3 := c.DeleteOne(tx.ctx, byID(0))
	err4 := c.FindOneAndUpdate(tx.ctx, byID(1), inc(5)).Err()
	must(t, err, err2, err3, err4)
	tx.abort()
	c.wantCount(2)
	c.wantN(0, 0)
	c.wantN(1, 1)

	t.Run("the end of a session aborts", func(t *testing.T) {
		tx.again()
		_, err := c.UpdateOne(tx.ctx, byID(0), inc(1))
		must(t, err)
		tx.EndSession(t.Context())
		_, err = c.UpdateOne(t.Context(), byID(0), inc(10))
		must(t, err)
		c.wantN(0, 10)
	})
	t.Run("the drop of its database aborts", func(t *testing.T) {
		if servers.MongoDB(t).Real() {
			t.Skip("a MongoDB waits for the transaction")
		}
		other := newDatabase(t)
		tx := other.begin()
		_, err := other.with("c").InsertOne(tx.ctx, doc(0, 0))
		must(t, err)
		atOnce, cancel := context.WithTimeout(t.Context(), lifetime/2)
		defer cancel()
		must(t, other.Drop(atOnce))
		wantCode(t, tx.CommitTransaction(t.Context()), 251, true)
	})
}

func TestSnapshot(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(300)...)
	tx := db.begin()
	if n := c.n(tx.ctx, 0); n != 0 {
		t.Errorf("n is %d", n)
	}
	_, err := c.UpdateOne(t.Context(), byID(0), inc(100))
	must(t, err)
	for name, sort := range map[string]d{"unsorted": nil, "sorted": {{Key: "n", Value: -1}}} {
		t.Run(name, func(t *testing.T) {
			find := options.Find().SetBatchSize(50)
			if sort != nil {
				find.SetSort(sort)
			}
			cursor, err := c.Find(tx.ctx, d{}, find)
			must(t, err)
			sum, seen := 0, 0
			for cursor.Next(tx.ctx) {
				var doc struct{ N int }
				must(t, cursor.Decode(&doc))
				sum += doc.N
				if seen++; seen == 10 {
					_, err := c.InsertOne(t.Context(), d{{Key: "n", Value: 1000}})
					must(t, err)
				}
			}
			if must(t, cursor.Err()); seen != 300 || sum != 299*300/2 {
				t.Errorf("%d documents, their sum is %d", seen, sum)
			}
		})
	}
	tx.commit()
	c.wantCount(302)
}

func TestWriteConflict(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(2)...)
	one := func(_ *mongo.UpdateResult, err error) error { return err }
	deleted := func(_ *mongo.DeleteResult, err error) error { return err }
	ways := map[string]func(context.Context) error{
		"updateOne":        func(ctx context.Context) error { return one(c.UpdateOne(ctx, byID(0), inc(1))) },
		"updateMany":       func(ctx context.Context) error { return one(c.UpdateMany(ctx, d{}, inc(1))) },
		"replaceOne":       func(ctx context.Context) error { return one(c.ReplaceOne(ctx, byID(0), doc(0, 1))) },
		"deleteOne":        func(ctx context.Context) error { return deleted(c.DeleteOne(ctx, byID(0))) },
		"deleteMany":       func(ctx context.Context) error { return deleted(c.DeleteMany(ctx, d{})) },
		"findOneAndUpdate": func(ctx context.Context) error { return c.FindOneAndUpdate(ctx, byID(0), inc(1)).Err() },
		"findOneAndDelete": func(ctx context.Context) error { return c.FindOneAndDelete(ctx, byID(0)).Err() },
	}
	for name, write := range ways {
		t.Run(name+" meets a transaction", func(t *testing.T) {
			first, second := db.begin(), db.begin()
			_, err := c.UpdateOne(first.ctx, byID(0), inc(10))
			must(t, err)
			wantCode(t, write(second.ctx), 112, true)
			wantCode(t, write(second.ctx), 251, true) // it is over
			second.abort()
			before := c.n(t.Context(), 0)
			first.commit()
			c.wantN(0, before+10)
		})
		t.Run(name+" meets what its snapshot does not have", func(t *testing.T) {
			tx := db.begin()
			before := c.n(tx.ctx, 0)
			_, err := c.UpdateOne(t.Context(), byID(0), inc(10))
			must(t, err)
			wantCode(t, write(tx.ctx), 112, true)
			c.wantN(0, before+10)
		})
	}
	t.Run("outside of transactions, a write waits", func(t *testing.T) {
		tx := db.begin()
		before := c.n(t.Context(), 0)
		_, err := c.UpdateOne(tx.ctx, byID(0), inc(1))
		must(t, err)
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.UpdateOne(impatient, byID(0), inc(1000)); err == nil {
			t.Error("it did not")
		}
		written := make(chan error)
		go func() { written <- one(c.UpdateOne(t.Context(), byID(0), inc(10))) }()
		select {
		case err := <-written:
			t.Errorf("it did not: error %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		tx.commit()
		must(t, <-written)
		c.wantN(0, before+11)
	})
	t.Run("it waits no longer than it may", func(t *testing.T) {
		tx := db.begin()
		_, err := c.UpdateOne(tx.ctx, byID(0), inc(1))
		must(t, err)
		command := d{
			{Key: "findAndModify", Value: "c"}, {Key: "query", Value: byID(0)}, {Key: "update", Value: inc(1000)},
			{Key: "maxTimeMS", Value: 50},
		}
		wantCode(t, db.RunCommand(t.Context(), command).Err(), 50, false)
	})
}

func TestDuplicateKeyInTransaction(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", doc(0, 0))
	c.unique(d{{Key: "n", Value: 1}}, options.Index())
	insert := func(tx transaction, id, n int) error {
		_, err := c.InsertOne(tx.ctx, doc(id, n))
		return err
	}
	first, second := db.begin(), db.begin()
	must(t, insert(first, 1, 1))
	wantCode(t, insert(first, 2, 0), 11000, false)
	wantCode(t, insert(first, 3, 3), 251, true)
	wantCode(t, first.CommitTransaction(t.Context()), 251, true)
	c.wantCount(1)

	first.again()
	must(t, insert(first, 1, 1))
	wantCode(t, insert(second, 2, 1), 112, true) // nobody knows yet whether it is one
	second.abort()
	first.commit()
	second.again()
	wantCode(t, insert(second, 2, 1), 11000, false)
}

func TestNewCollectionInTransaction(t *testing.T) {
	db := newDatabase(t)
	insert := func(ctx context.Context, id int) error {
		_, err := db.Collection("new").InsertOne(ctx, doc(id, 0))
		return err
	}
	first, second := db.begin(), db.begin()
	must(t, insert(first.ctx, 1))
	first.abort()
	if names, err := db.ListCollectionNames(t.Context(), d{}); err != nil || len(names) != 0 {
		t.Errorf("collections %v, error %v", names, err)
	}
	first.again()
	must(t, insert(first.ctx, 1))
	wantCode(t, insert(second.ctx, 2), 112, true)
	second.abort()
	first.commit()
	must(t, insert(t.Context(), 3))
	if n, err := db.Collection("new").CountDocuments(t.Context(), d{}); err != nil || n != 2 {
		t.Errorf("%d documents, error %v", n, err)
	}
}

func TestNotInTransaction(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", doc(0, 0))
	tx := db.begin()
	_, err := c.UpdateOne(tx.ctx, byID(0), inc(1))
	must(t, err)
	_, err = c.EstimatedDocumentCount(tx.ctx)
	wantCode(t, err, 263, false)
}

func TestWithTransaction(t *testing.T) {
	const workers, times, accounts = 6, 15, 10
	db := newDatabase(t)
	bank, log, counter := db.with("bank", docs(accounts)...), db.with("log"), db.with("counter", doc(0, 0))
	must(t, race(workers, func(worker int) error {
		s, err := db.Client().StartSession()
		if err != nil {
			return err
		}
		defer s.EndSession(t.Context())
		for i := range times {
			if _, err := s.WithTransaction(t.Context(), func(ctx context.Context) (any, error) {
				n := counter.n(ctx, 0)
				_, err := bank.UpdateOne(ctx, byID((worker+i)%accounts), inc(-7))
				if err == nil {
					_, err = bank.UpdateOne(ctx, byID((worker*3+i*7+1)%accounts), inc(7))
				}
				if err == nil {
					_, err = log.InsertOne(ctx, d{{Key: "worker", Value: worker}, {Key: "i", Value: i}})
				}
				if err == nil {
					_, err = counter.UpdateOne(ctx, byID(0), set("n", n+1)) // nobody else has, since it was read
				}
				return nil, err
			}); err != nil {
				return err
			}
		}
		return nil
	})...)
	counter.wantN(0, workers*times)
	log.wantCount(workers * times)
	sum := 0
	for id := range accounts {
		sum += bank.n(t.Context(), id)
	}
	if sum != accounts*(accounts-1)/2 {
		t.Errorf("the sum is %d", sum)
	}
	t.Run("an error of the callback aborts", func(t *testing.T) {
		mine := errors.New("mine")
		s, err := db.Client().StartSession()
		must(t, err)
		defer s.EndSession(t.Context())
		_, err = s.WithTransaction(t.Context(), func(ctx context.Context) (any, error) {
			_, err := counter.UpdateOne(ctx, byID(0), set("n", 0))
			must(t, err)
			return nil, mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("error %v", err)
		}
		counter.wantN(0, workers*times)
	})
}
