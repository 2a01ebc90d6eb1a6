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
	m["sustained"] = []setting{{name: "defaults"}}
	delete(m, "wal") // nobody can say
	for _, n := range crowds {
		m[fmt.Sprintf("workers-%d", n)] = []setting{{name: "defaults, a store each", servers: n}}
		m[fmt.Sprintf("pools-%d", n)] = []setting{{name: "defaults, one store", pools: n}}
	}
	return m
}()

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

func (b *mongoBackend) used(context.Context) (u usage, err error) {
	u.trips = float64(b.trips.Load())
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
	f, err := newFirefly(s, b.finish)
	if err != nil {
		return nil, err
	}
	f.(*fireflySystem).another = b.store
	return f, nil
}

// finish stores n completed tasks of Firefly's.
func (b *mongoBackend) finish(ctx context.Context, n int) error {
	tasks := b.admin.Database(b.database()).Collection("firefly_task")
	id, now := atomic.Int64{}, time.Now().UnixMicro()
	id.Store(1 << 40) // far from those that the store gives
	return produce(quickly.producers, n, quickly.batch, func(n int) error {
		many := make([]bson.D, n)
		for i := range many {
			many[i] = bson.D{
				{Key: "_id", Value: id.Add(1)}, {Key: "name", Value: task.Name()}, {Key: "queue", Value: "default"},
				{Key: "priority", Value: 0}, {Key: "status", Value: store.Completed}, {Key: "encoding", Value: "json"},
				{Key: "params", Value: sample}, {Key: "created", Value: now}, {Key: "due", Value: now}, {Key: "finished", Value: now},
			}
		}
		_, err := tasks.InsertMany(ctx, many, options.InsertMany().SetOrdered(false))
		return err
	})
}
