package mongo_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/walk"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
	"github.com/fireflytasks/go-firefly/storetest"
)

// modes are the deployments that keep the contract: with transactions, and without.
var modes = map[string]struct {
	server     func(testing.TB) *servers.Mongo
	standAlone bool
}{
	"ReplicaSet": {servers.MongoDB, false},
	"StandAlone": {servers.MongoStandAlone, true},
}

func quiet() mongo.Option { return mongo.Logger(slog.New(slog.DiscardHandler)) }

// connect returns a database of the server's, with a client of its own.
func connect(tb testing.TB, url, database string) *driver.Database {
	tb.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(url))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(tb.Context())) })
	return client.Database(database)
}

// openStore opens a store that is ready for use.
func openStore(tb testing.TB, db *driver.Database, opts ...mongo.Option) *mongo.Store {
	tb.Helper()
	s, err := mongo.New(db, append([]mongo.Option{quiet()}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// empty deletes what there is in the collections of a prefix.
func empty(tb testing.TB, db *driver.Database, prefix string) {
	tb.Helper()
	for _, name := range []string{"_task", "_lease", "_meta"} {
		if _, err := db.Collection(prefix+name).DeleteMany(tb.Context(), bson.M{}); err != nil {
			tb.Fatal(err)
		}
	}
}

// harness opens stores on a server, each with collections that were emptied before.
func harness(t *testing.T, mode string) storetest.Harness {
	t.Helper()
	server := modes[mode].server(t)
	db := connect(t, server.URL(), server.Database(t))
	var offset atomic.Int64
	open := func(tb testing.TB) store.Store {
		tb.Helper()
		return openStore(tb, db, mongo.Prefix("kit"),
			mongo.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
	}
	return storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			empty(tb, db, "kit")
			return open(tb)
		},
		Reopen: func(tb testing.TB, s store.Store) store.Store {
			tb.Helper()
			if err := store.Close(s); err != nil {
				tb.Error(err)
			}
			return open(tb)
		},
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
		NoTx:    modes[mode].standAlone,
	}
}

func TestConformance(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) { storetest.RunFull(t, harness(t, mode)) })
	}
}

func TestWalks(t *testing.T) {
	t.Parallel()
	if race.Enabled {
		t.Skip("thousands of steps on each server")
	}
	for mode, steps := range map[string]int{"ReplicaSet": 100, "StandAlone": 20} { // which differ in transactions only
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			walk.Check(t, harness(t, mode), steps)
		})
	}
}
