package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// effects are a collection that handlers write to in their transactions.
type effects struct{ collection *driver.Collection }

func openForCrash(ctx context.Context, url string) (store.Store, crash.Effects, error) {
	client, err := driver.Connect(options.Client().ApplyURI(url))
	if err != nil {
		return nil, nil, err
	}
	db := client.Database("firefly_crash")
	s, err := mongo.New(db, quiet())
	if err == nil {
		err = s.Migrate(ctx)
	}
	if err == nil { // before any transaction: not every server makes collections in one
		if err = db.CreateCollection(ctx, "effect"); driver.IsDuplicateKeyError(err) || hasCode(err, 48) {
			err = nil
		}
	}
	if err == nil && standAlone(ctx, db) {
		return closing{s, client}, nil, nil
	}
	return closing{s, client}, effects{db.Collection("effect")}, err
}

func standAlone(ctx context.Context, db *driver.Database) bool {
	var hello struct {
		SetName string `bson:"setName"`
	}
	return db.RunCommand(ctx, bson.M{"hello": 1}).Decode(&hello) == nil && hello.SetName == ""
}

// closing disconnects the client with the store.
type closing struct {
	*mongo.Store
	client *driver.Client
}

func (s closing) Close() error {
	return errors.Join(s.Store.Close(), s.client.Disconnect(context.Background()))
}

func hasCode(err error, code int) bool {
	var server driver.ServerError
	return errors.As(err, &server) && server.HasErrorCode(code)
}

func (e effects) Write(ctx context.Context, task int64) error {
	in, err := mongo.Session(ctx)
	if err != nil {
		return err
	}
	_, err = e.collection.InsertOne(in, bson.M{"task": task})
	return err
}

// Close leaves the client to the store: see closing.
func (e effects) Close() error { return nil }

func (e effects) Count(ctx context.Context) (map[int64]int, error) {
	cursor, err := e.collection.Find(ctx, bson.M{})
	if err != nil {
		return nil, err
	}
	counts := map[int64]int{}
	for cursor.Next(ctx) {
		id, ok := cursor.Current.Lookup("task").AsInt64OK()
		if ok {
			counts[id]++
		}
	}
	return counts, cursor.Err()
}

// lease leaves a claim, which is half a dozen commands, the time that it takes on a busy machine.
var lease = crash.Lease(3 * time.Second)

func TestCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills dozens of processes")
	}
	t.Run("ReplicaSet", func(t *testing.T) { crash.Test(t, servers.NewMongoDB(t).URL(), openForCrash, crash.Minimum(), lease) })
	t.Run("StandAlone", func(t *testing.T) {
		crash.Test(t, servers.NewMongoStandAlone(t).URL(), openForCrash, crash.MinimumWithoutTx(), lease)
	})
}

func TestPausedProcesses(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("waits for leases to end")
	}
	crash.Pauses(t, servers.NewMongoDB(t).URL(), openForCrash, 8)
}

func TestServerCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills servers a dozen times")
	}
	for mode, start := range map[string]func(testing.TB) *servers.Mongo{
		"ReplicaSet": servers.NewMongoDB, "StandAlone": servers.NewMongoStandAlone,
	} {
		t.Run(mode, func(t *testing.T) {
			server := start(t)
			crash.Servers(t, server.URL(), openForCrash, server, 12, 100, lease)
		})
	}
}

func TestFourProcessesShareAServer(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Drain(t, servers.NewMongoDB(t).URL(), openForCrash, 4, 4, 20_000, crash.Lease(5*time.Second))
}
