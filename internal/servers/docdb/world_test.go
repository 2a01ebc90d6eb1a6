package docdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

// The tests in these files hold the gateway to what MongoDB does, and also run on a MongoDB, if
// that is what package servers finds.

type (
	d = bson.D
	a = bson.A
)

// A database is a test's own, with a client.
type database struct {
	*mongo.Database

	t *testing.T
}

func newDatabase(t *testing.T) database {
	t.Helper()
	server := servers.MongoDB(t)
	return database{connect(t, server.URL()).Database(server.Database(t)), t}
}

func connect(t *testing.T, url string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(url).SetServerSelectionTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	return client
}

// with returns a collection with documents.
func (db database) with(name string, documents ...any) collection {
	db.t.Helper()
	c := collection{db.Collection(name), db.t}
	if err := db.CreateCollection(db.t.Context(), name); err != nil {
		db.t.Fatal(err)
	}
	if len(documents) > 0 {
		if _, err := c.InsertMany(db.t.Context(), documents); err != nil {
			db.t.Fatal(err)
		}
	}
	return c
}

// A collection is one of a test's own.
type collection struct {
	*mongo.Collection

	t *testing.T
}

func (c collection) unique(keys d, more *options.IndexOptionsBuilder) {
	c.t.Helper()
	if _, err := c.Indexes().CreateOne(c.t.Context(), mongo.IndexModel{Keys: keys, Options: more.SetUnique(true)}); err != nil {
		c.t.Fatal(err)
	}
}

// n returns the field n of a document.
func (c collection) n(ctx context.Context, id any) int {
	c.t.Helper()
	var doc struct{ N int }
	if err := c.FindOne(ctx, byID(id)).Decode(&doc); err != nil {
		c.t.Fatal(err)
	}
	return doc.N
}

// wantN checks the field n of a document, as it is seen outside of transactions.
func (c collection) wantN(id any, want int) {
	c.t.Helper()
	if got := c.n(c.t.Context(), id); got != want {
		c.t.Errorf("n of %v in %s is %d, want %d", id, c.Name(), got, want)
	}
}

func (c collection) count(ctx context.Context, filter d) int {
	c.t.Helper()
	n, err := c.CountDocuments(ctx, filter)
	if err != nil {
		c.t.Fatal(err)
	}
	return int(n)
}

// wantCount checks the number of documents.
func (c collection) wantCount(want int) {
	c.t.Helper()
	if got := c.count(c.t.Context(), d{}); got != want {
		c.t.Errorf("%d documents in %s, want %d", got, c.Name(), want)
	}
}

// A transaction is a session, and the context of its transaction.
type transaction struct {
	*mongo.Session

	ctx context.Context
	t   *testing.T
}

// begin begins a transaction, which is aborted at the end unless it is over.
func (db database) begin() transaction {
	db.t.Helper()
	s, err := db.Client().StartSession()
	if err != nil {
		db.t.Fatal(err)
	}
	tx := transaction{s, mongo.NewSessionContext(db.t.Context(), s), db.t}
	tx.again()
	db.t.Cleanup(func() { s.EndSession(context.WithoutCancel(db.t.Context())) })
	return tx
}

// again begins another one in the same session.
func (tx transaction) again() {
	tx.t.Helper()
	must(tx.t, tx.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())))
}

func (tx transaction) commit() {
	tx.t.Helper()
	must(tx.t, tx.CommitTransaction(tx.t.Context()))
}

func (tx transaction) abort() {
	tx.t.Helper()
	must(tx.t, tx.AbortTransaction(tx.t.Context()))
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// wantCode checks an error's code and whether its transaction may be tried again.
func wantCode(t *testing.T, err error, want int, transient bool) {
	t.Helper()
	code := 0
	var refused mongo.CommandError
	var failed mongo.WriteException
	switch {
	case errors.As(err, &refused):
		code = int(refused.Code)
	case errors.As(err, &failed) && len(failed.WriteErrors) > 0:
		code = failed.WriteErrors[0].Code
	}
	var labeled mongo.LabeledError
	is := errors.As(err, &labeled) && labeled.HasErrorLabel("TransientTransactionError")
	if code != want || is != transient {
		t.Errorf("code %d, transient %t of the error %v; want %d, %t", code, is, err, want, transient)
	}
}

func byID(id any) d         { return d{{Key: "_id", Value: id}} }
func set(f string, v any) d { return d{{Key: "$set", Value: d{{Key: f, Value: v}}}} }
func inc(n int) d           { return d{{Key: "$inc", Value: d{{Key: "n", Value: n}}}} }
func doc(id any, n int) d   { return d{{Key: "_id", Value: id}, {Key: "n", Value: n}} }

// docs returns some documents whose n is their id.
func docs(n int) a {
	all := make(a, n)
	for i := range all {
		all[i] = doc(i, i)
	}
	return all
}
