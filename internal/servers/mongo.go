package servers

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const (
	mongoDB            = "mongo"
	envMongo           = "FIREFLY_TEST_MONGO_URL"
	envMongoStandAlone = "FIREFLY_TEST_MONGO_STANDALONE_URL"
)

// A Mongo is a MongoDB server, or what stands in for one: see package docdb.
type Mongo struct {
	url    string
	local  *documentDB // nil if it is a true MongoDB
	shared bool
}

// The servers that all tests of this binary use. What is started runs until the binary ends.
var (
	sharedMongo           = sync.OnceValues(func() (*Mongo, error) { return findMongo(envMongo, false) })
	sharedMongoStandAlone = sync.OnceValues(func() (*Mongo, error) { return findMongo(envMongoStandAlone, true) })
)

func findMongo(env string, standAlone bool) (*Mongo, error) {
	return find(env,
		func(url string) (*Mongo, error) { return &Mongo{url: url, shared: true}, nil },
		func() (*Mongo, error) {
			p, err := sharedDocumentDB()
			if err != nil {
				return nil, err
			}
			d, err := startGateway(p, standAlone, time.Minute)
			if err != nil {
				return nil, err
			}
			sharedGateways.add(d)
			return &Mongo{url: d.url(), local: d, shared: true}, nil
		},
		func() (*Mongo, error) {
			url, err := mongoContainer(standAlone)
			return &Mongo{url: url, shared: true}, err
		})
}

// MongoDB returns the server that the tests of this binary share, a replica set with transactions:
// the one that the environment variable FIREFLY_TEST_MONGO_URL names; or DocumentDB, if make servers
// has installed it, without durability, behind the gateway of package docdb; or a container. Each
// test takes a [Mongo.Database] of its own.
//
// Its name for FIREFLY_TEST_REQUIRE is "mongo".
func MongoDB(tb testing.TB) *Mongo {
	tb.Helper()
	m, err := sharedMongo()
	check(tb, mongoDB, err)
	return m
}

// MongoStandAlone is as [MongoDB] for a server without transactions, that belongs to no replica
// set, with FIREFLY_TEST_MONGO_STANDALONE_URL.
func MongoStandAlone(tb testing.TB) *Mongo {
	tb.Helper()
	m, err := sharedMongoStandAlone()
	check(tb, mongoDB, err)
	return m
}

// EndMongoDB ends what runs in this process of the servers that tests share. It is for a TestMain
// that looks for goroutines which tests have left behind, after all of them.
func EndMongoDB() { sharedGateways.end() }

// ShortLifetime is how long a transaction may be open on a server of [NewMongoDB], where workers die in
// theirs, in place of MongoDB's minute: docs/stores.md advises to set it so.
const ShortLifetime = 5 * time.Second

// NewMongoDB starts a server for the test alone, on DocumentDB, that keeps what it acknowledged:
// the test may kill it. It ends with the test. It rolls transactions back after [ShortLifetime].
func NewMongoDB(tb testing.TB) *Mongo {
	tb.Helper()
	return newMongo(tb, false)
}

// NewMongoStandAlone is as [NewMongoDB] for a server without transactions.
func NewMongoStandAlone(tb testing.TB) *Mongo {
	tb.Helper()
	return newMongo(tb, true)
}

func newMongo(tb testing.TB, standAlone bool) *Mongo {
	tb.Helper()
	p, err := newDocumentDB("fsync = on", "synchronous_commit = on", "full_page_writes = on")
	check(tb, mongoDB, err)
	var d *documentDB
	tb.Cleanup(func() {
		if d != nil {
			d.stop()
		}
		if err := p.end(); err != nil {
			tb.Errorf("mongo: %v", err)
		}
	})
	if d, err = startGateway(p, standAlone, ShortLifetime); err != nil {
		tb.Fatalf("mongo: %v", err)
	}
	return &Mongo{url: d.url(), local: d}
}

// URL returns the URL of the server, mongodb://host:port/?directConnection=true, or the one that an
// environment variable gave.
func (m *Mongo) URL() string { return m.url }

// Real reports whether it is a MongoDB, rather than the fixture.
func (m *Mongo) Real() bool { return m.local == nil }

// Database returns the name of a database that is empty, and that is dropped when the test ends.
func (m *Mongo) Database(tb testing.TB) string {
	tb.Helper()
	name := "firefly_" + strings.ToLower(rand.Text())
	tb.Cleanup(func() {
		if m.local != nil && !m.local.running() {
			return // it was killed, and its data will be removed
		}
		if err := m.drop(context.WithoutCancel(tb.Context()), name); err != nil {
			tb.Errorf("mongo: %v", err)
		}
	})
	return name
}

func (m *Mongo) drop(ctx context.Context, database string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(m.url))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	return client.Database(database).Drop(ctx)
}

// Kill kills the server with SIGKILL, cuts its connections, and returns when it is gone. It is for
// servers of [NewMongoDB].
func (m *Mongo) Kill(tb testing.TB) {
	tb.Helper()
	if m.shared {
		tb.Fatal("mongo: other tests use this server: kill one of NewMongoDB")
	}
	if err := m.local.kill(); err != nil {
		tb.Fatalf("mongo: %v", err)
	}
}

// Restart starts the server, which was killed, with its data and on its port, and returns when it
// takes connections.
func (m *Mongo) Restart(tb testing.TB) {
	tb.Helper()
	if m.shared || m.local.running() {
		tb.Fatal("mongo: only a server that was killed can be restarted")
	}
	if err := m.local.restart(); err != nil {
		tb.Fatalf("mongo: %v", err)
	}
}

// Processes returns the process ids of the PostgreSQL behind the fixture and, after it, those of its
// children, for measuring. There are none if the server was killed, or is a true MongoDB.
func (m *Mongo) Processes() ([]int, error) {
	if m.local == nil {
		return nil, nil
	}
	return m.local.processes()
}
