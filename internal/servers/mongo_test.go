package servers_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func mongoClient(t *testing.T, url string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(url).SetServerSelectionTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	return client
}

func TestMongoDB(t *testing.T) {
	for name, server := range map[string]func(testing.TB) *servers.Mongo{
		"rs0": servers.MongoDB,
		"":    servers.MongoStandAlone,
	} {
		m := server(t)
		t.Run("it is shared", func(t *testing.T) {
			if again := server(t); again != m {
				t.Errorf("two servers: %s and %s", m.URL(), again.URL())
			}
		})
		t.Run("it says what it is", func(t *testing.T) {
			var hello struct {
				SetName           string `bson:"setName"`
				IsWritablePrimary bool   `bson:"isWritablePrimary"`
			}
			err := mongoClient(t, m.URL()).Database("admin").RunCommand(t.Context(), bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
			if err != nil || !hello.IsWritablePrimary || (hello.SetName == "") != (name == "") {
				t.Errorf("got %+v, error %v", hello, err)
			}
		})
	}
}

func TestMongoDatabase(t *testing.T) {
	m := servers.MongoDB(t)
	client := mongoClient(t, m.URL())
	var name string
	t.Run("it is empty", func(t *testing.T) {
		name = m.Database(t)
		db := client.Database(name)
		if names, err := db.ListCollectionNames(t.Context(), bson.D{}); err != nil || len(names) != 0 {
			t.Errorf("collections %v, error %v", names, err)
		}
		if _, err := db.Collection("c").InsertOne(t.Context(), bson.D{}); err != nil {
			t.Error(err)
		}
		s, err := client.StartSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.StartTransaction(); err != nil {
			t.Fatal(err)
		}
		// The transaction is left open, and must not hold up the end of the test.
		if _, err := db.Collection("c").InsertOne(mongo.NewSessionContext(t.Context(), s), bson.D{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("it is dropped", func(t *testing.T) {
		names, err := client.ListDatabaseNames(t.Context(), bson.D{{Key: "name", Value: name}})
		if err != nil || len(names) != 0 {
			t.Errorf("databases %v, error %v", names, err)
		}
	})
}

func TestMongoKillAndRestart(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("server", testMongoKillAndRestart)
	if err := goleak.Find(before); err != nil {
		t.Errorf("the server is over, and leaves %v", err)
	}
}

func testMongoKillAndRestart(t *testing.T) {
	m := servers.NewMongoDB(t)
	if m.Real() {
		t.Error("it is no MongoDB")
	}
	client := mongoClient(t, m.URL())
	c := client.Database(m.Database(t)).Collection("c")
	store := func(id int) error {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := c.InsertOne(ctx, bson.D{{Key: "_id", Value: id}})
		return err
	}
	if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 0}}); err != nil {
		t.Fatal(err)
	}
	for life := 1; life <= 2; life++ {
		m.Kill(t)
		t.Run("after a kill nobody answers", func(t *testing.T) {
			if err := store(life); err == nil {
				t.Error("somebody does")
			}
			if after, err := m.Processes(); err != nil || len(after) != 0 {
				t.Errorf("processes: %v, error %v", after, err)
			}
		})
		m.Restart(t)
		t.Run("after a restart what was acknowledged is there", func(t *testing.T) {
			n, err := c.CountDocuments(t.Context(), bson.D{})
			if err != nil || n != 1 {
				t.Errorf("%d documents, error %v", n, err)
			}
		})
	}
}
