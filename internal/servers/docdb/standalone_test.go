package docdb_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestReplicaSet(t *testing.T) {
	db := newDatabase(t)
	reply, err := db.RunCommand(t.Context(), d{{Key: "hello", Value: 1}}).Raw()
	must(t, err)
	for _, field := range []string{"setName", "primary", "me", "logicalSessionTimeoutMinutes", "$clusterTime", "operationTime"} {
		if reply.Lookup(field).IsZero() {
			t.Errorf("hello does not say %s: %s", field, reply)
		}
	}
}

func TestStandAlone(t *testing.T) {
	server := servers.MongoStandAlone(t)
	db := database{connect(t, server.URL()).Database(server.Database(t)), t}
	c := db.with("c", docs(1)...)
	t.Run("it says so", func(t *testing.T) {
		reply, err := db.RunCommand(t.Context(), d{{Key: "hello", Value: 1}}).Raw()
		must(t, err)
		for _, field := range []string{"setName", "hosts", "$clusterTime"} {
			if !reply.Lookup(field).IsZero() {
				t.Errorf("hello says %s: %s", field, reply)
			}
		}
	})
	t.Run("it reads and writes", func(t *testing.T) {
		_, err := c.UpdateOne(t.Context(), byID(0), inc(1))
		must(t, err)
		c.wantN(0, 1)
	})
	t.Run("it has no transactions", func(t *testing.T) {
		tx := db.begin()
		_, err := c.UpdateOne(tx.ctx, byID(0), inc(1))
		wantCode(t, err, 20, false)
		if want := "(IllegalOperation) Transaction numbers are only allowed on a replica set member or mongos"; err == nil || err.Error() != want {
			t.Errorf("error %v", err)
		}
		c.wantN(0, 1)
	})
	t.Run("it repeats no writes", func(t *testing.T) {
		_, err := db.rawSession().run(1, increment(c, 0))
		wantCode(t, err, 20, false)
	})
	t.Run("it has no change streams", func(t *testing.T) {
		_, err := c.Watch(t.Context(), mongo.Pipeline{})
		wantCode(t, err, 40573, false)
	})
	t.Run("it has databases of its own", func(t *testing.T) {
		var names []string
		names, err := db.Client().ListDatabaseNames(t.Context(), bson.D{})
		must(t, err)
		if len(names) == 0 {
			t.Error("none")
		}
	})
}
