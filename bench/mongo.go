package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	mongodriver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// mongoBackend is a MongoDB, or what stands in for one, that keeps what was acknowledged, with a new
// database for each measurement.
type mongoBackend struct {
	url    string
	local  *mongoServer // nil if it runs already
	admin  *mongodriver.Client
	number int // of databases so far
	trips  atomic.Int64
}

// mongoURL names the variable with the URL of a server that runs already, a true MongoDB.
const mongoURL = "FIREFLY_TEST_MONGO_URL"

func newMongo(ctx context.Context) (backend, error) {
	b := &mongoBackend{url: os.Getenv(mongoURL)}
	var err error
	if b.url == "" {
		if b.local, err = startMongo(); err != nil {
			return nil, err
		}
		b.url = b.local.url
	}
	b.admin, err = b.connect()
	if err == nil {
		err = b.admin.Ping(ctx, nil)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *mongoBackend) connect() (*mongodriver.Client, error) {
	trips := &event.PoolMonitor{Event: func(e *event.PoolEvent) {
		if e.Type == event.ConnectionCheckedOut { // once for each command
			b.trips.Add(1)
		}
	}}
	return mongodriver.Connect(options.Client().ApplyURI(b.url).SetMaxPoolSize(connections).SetPoolMonitor(trips))
}

func (b *mongoBackend) contenders() []contender {
	return []contender{
		{name: "Firefly", settings: fireflyOnMongo, open: b.openFirefly},
		{name: "bare loop", settings: loopSettings, open: b.openLoop},
	}
}

// fireflyOnMongo is fireflySettings, with concurrencies that suit MongoDB.
var fireflyOnMongo = func() map[string][]setting {
	m := maps.Clone(fireflySettings)
	m["drain"] = []setting{
		{name: "defaults"},
		{name: "concurrency 10", workers: 10},
		{name: "concurrency 500", workers: 500},
		{name: "concurrency 2,000", workers: 2000},
	}
	m["sustained"] = m["work"]
	m["wal"] = nil // nobody can say
	return m
}()

func (b *mongoBackend) about(ctx context.Context) (about, error) {
	if b.local != nil {
		return about{"DocumentDB, in place of MongoDB", standInScale}, nil
	}
	var is struct{ Version string }
	err := b.admin.Database("admin").RunCommand(ctx, bson.M{"buildInfo": 1}).Decode(&is)
	return about{"MongoDB " + is.Version, 1}, err
}

// standInScale is the share of the work that the stand-in is given: the more tasks are due, the more it
// costs DocumentDB to find the first of them.
const standInScale = .2

func (b *mongoBackend) database() string { return fmt.Sprintf("bench_%d_%d", os.Getpid(), b.number) }

// reset drops the database: the next measurement has another one.
func (b *mongoBackend) reset(ctx context.Context) error {
	err := b.drop(ctx)
	b.number++
	return err
}

func (b *mongoBackend) drop(ctx context.Context) error {
	return b.admin.Database(b.database()).Drop(ctx)
}

// settle has nothing to do: a server puts off nothing that it could be asked for.
func (b *mongoBackend) settle(context.Context) error { return nil }

func (b *mongoBackend) used(ctx context.Context) (u usage, err error) {
	u.trips = float64(b.trips.Load())
	var stats struct{ StorageSize, IndexSize float64 }
	err = b.admin.Database(b.database()).RunCommand(ctx, bson.M{"dbStats": 1}).Decode(&stats)
	if err != nil {
		return u, err
	}
	u.stored = stats.StorageSize + stats.IndexSize
	if b.local != nil {
		u.cpu, err = b.local.cpu()
	}
	return u, err
}

func (b *mongoBackend) close() {
	ctx := context.Background()
	if b.admin != nil {
		_ = b.drop(ctx)
		_ = b.admin.Disconnect(ctx)
	}
	if b.local != nil {
		_ = b.local.end()
	}
}

// connectedStore is a store that closes its client.
type connectedStore struct {
	*mongo.Store
	client *mongodriver.Client
}

func (c connectedStore) Close() error {
	return errors.Join(c.Store.Close(), c.client.Disconnect(context.Background()))
}

// store opens a store as a process would.
func (b *mongoBackend) store() (store.Store, error) {
	client, err := b.connect()
	if err != nil {
		return nil, err
	}
	s, err := mongo.New(client.Database(b.database()), mongo.Logger(quiet))
	return connectedStore{s, client}, err
}

func (b *mongoBackend) openFirefly(ctx context.Context) (system, error) {
	s, err := b.store()
	if err != nil {
		return nil, err
	}
	if err := s.(store.Migrator).Migrate(ctx); err != nil {
		return nil, errors.Join(err, store.Close(s))
	}
	return newFirefly(s, fireflyOn{finish: b.finish, another: b.store})
}

// finish stores n completed tasks of Firefly's.
func (b *mongoBackend) finish(ctx context.Context, n int) error {
	tasks := b.admin.Database(b.database()).Collection("firefly_task")
	id, now := atomic.Int64{}, time.Now().UnixMicro()
	id.Store(-int64(n) - 1)
	return produce(quickly.producers, n, quickly.batch, func(n int) error {
		many := make([]bson.D, n)
		for i := range many {
			many[i] = bson.D{
				{Key: "_id", Value: id.Add(1)}, {Key: "name", Value: task.Name()}, {Key: "queue", Value: defaultQueue},
				{Key: "priority", Value: 0}, {Key: "status", Value: store.Completed}, {Key: "encoding", Value: "json"},
				{Key: "params", Value: sample}, {Key: "created", Value: now}, {Key: "due", Value: now}, {Key: "finished", Value: now},
			}
		}
		_, err := tasks.InsertMany(ctx, many, options.InsertMany().SetOrdered(false))
		return err
	})
}
