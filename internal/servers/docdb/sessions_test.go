package docdb_test

import (
	"context"
	"net/url"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

// A rawSession is a session whose transactions and repetitions are written by hand.
type rawSession struct {
	database

	session *mongo.Session
}

func (db database) rawSession() rawSession {
	db.t.Helper()
	s, err := db.Client().StartSession()
	must(db.t, err)
	db.t.Cleanup(func() { s.EndSession(context.WithoutCancel(db.t.Context())) })
	return rawSession{db, s}
}

// run runs a command of the session with a number, and returns the reply.
func (s rawSession) run(number int64, command d, more ...bson.E) (bson.Raw, error) {
	const used = 1000 // the client may have had the session before, and has counted its writes
	command = append(command, bson.E{Key: "txnNumber", Value: used + number})
	return s.RunCommand(mongo.NewSessionContext(s.t.Context(), s.session), append(command, more...)).Raw()
}

var (
	first  = bson.E{Key: "startTransaction", Value: true}
	inside = bson.E{Key: "autocommit", Value: false}
)

// end commits or aborts.
func (s rawSession) end(number int64, how string) error {
	admin := rawSession{database{s.Client().Database("admin"), s.t}, s.session}
	_, err := admin.run(number, d{{Key: how, Value: 1}}, inside)
	return err
}

func increment(c collection, id any) d {
	return d{{Key: "update", Value: c.Name()}, {Key: "updates", Value: a{d{{Key: "q", Value: byID(id)}, {Key: "u", Value: inc(1)}}}}}
}

func TestRepeatedWrite(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(3)...)
	s := db.rawSession()
	insert := d{{Key: "insert", Value: "c"}, {Key: "documents", Value: a{doc(10, 10), doc(11, 11)}}}
	remove := d{{Key: "delete", Value: "c"}, {Key: "deletes", Value: a{d{{Key: "q", Value: byID(2)}, {Key: "limit", Value: 1}}}}}
	modify := d{{Key: "findAndModify", Value: "c"}, {Key: "query", Value: byID(1)}, {Key: "update", Value: inc(1)}}
	number := int64(0)
	for name, command := range map[string]d{"update": increment(c, 0), "insert": insert, "delete": remove, "findAndModify": modify} {
		number++
		var replies [3]bson.Raw
		for i := range replies {
			reply, err := s.run(number, command)
			must(t, err)
			replies[i] = reply
		}
		for _, reply := range replies[1:] {
			for _, field := range []string{"n", "value"} {
				if got, want := reply.Lookup(field), replies[0].Lookup(field); !got.Equal(want) {
					t.Errorf("%s is answered %v at first, and then %v", name, want, got)
				}
			}
		}
	}
	c.wantN(0, 1)
	c.wantN(1, 2)
	c.wantCount(3 - 1 + 2)
	_, err := s.run(1, increment(c, 0))
	wantCode(t, err, 225, false)
	if _, err := db.rawSession().run(1, increment(c, 0)); err != nil {
		t.Errorf("another session's number is its own: error %v", err)
	}
	c.wantN(0, 2)
}

func TestStatesOfTransaction(t *testing.T) {
	db := newDatabase(t)
	c := db.with("c", docs(1)...)
	s := db.rawSession()
	update := func(number int64, more ...bson.E) error {
		_, err := s.run(number, increment(c, 0), more...)
		return err
	}
	wantCode(t, update(1, inside), 251, true) // was not started
	must(t, update(1, inside, first))
	wantCode(t, update(1, inside, first), 117, false)
	wantCode(t, update(2, inside), 251, true)
	must(t, update(1, inside), s.end(1, "commitTransaction"), s.end(1, "commitTransaction"))
	c.wantN(0, 2)
	wantCode(t, update(1, inside), 256, false)
	wantCode(t, s.end(1, "abortTransaction"), 256, false)
	wantCode(t, update(0, inside, first), 225, false)

	must(t, update(2, inside, first), s.end(2, "abortTransaction"))
	wantCode(t, update(2, inside), 251, true)
	wantCode(t, s.end(2, "commitTransaction"), 251, true)
	must(t, update(3, inside, first), update(4, inside, first), s.end(4, "commitTransaction"))
	c.wantN(0, 3) // a new transaction aborts the one before
	must(t, update(5, inside, first), update(6))
	wantCode(t, s.end(5, "commitTransaction"), 251, true) // and so does a write outside
	c.wantN(0, 4)
}

// throughProxy returns the database by way of a proxy.
func (db database) throughProxy(server *servers.Mongo) (database, *cut.Proxy) {
	db.t.Helper()
	u, err := url.Parse(server.URL())
	must(db.t, err)
	p := cut.New(db.t, u.Host)
	u.Host = p.Addr()
	return database{connect(db.t, u.String()).Database(db.Name()), db.t}, p
}

func TestLostReplies(t *testing.T) {
	direct := newDatabase(t)
	db, proxy := direct.throughProxy(servers.MongoDB(t))
	c := direct.with("c", docs(2)...)
	far := db.Collection("c")
	for moment, name := range map[cut.Moment]string{cut.Request: "request", cut.Reply: "reply"} {
		before := c.n(t.Context(), 0)
		t.Run("of a write: "+name, func(t *testing.T) {
			must(t, db.Client().Ping(t.Context(), nil)) // so that there is a connection
			proxy.CutNext(moment)
			_, err := far.UpdateOne(t.Context(), byID(0), inc(1))
			must(t, err)
			c.wantN(0, before+1)
		})
		t.Run("of a commit: "+name, func(t *testing.T) {
			tx := db.begin()
			_, err := far.UpdateOne(tx.ctx, byID(0), inc(1))
			must(t, err)
			proxy.CutNext(moment)
			tx.commit()
			c.wantN(0, before+2)
		})
		t.Run("in a transaction: "+name, func(t *testing.T) {
			s, err := db.Client().StartSession()
			must(t, err)
			defer s.EndSession(t.Context())
			tries := 0
			_, err = s.WithTransaction(t.Context(), func(ctx context.Context) (any, error) {
				if tries++; tries == 1 {
					must(t, mongo.SessionFromContext(ctx).Client().Ping(t.Context(), nil))
					proxy.CutNext(moment)
				}
				return far.UpdateOne(ctx, byID(0), inc(1))
			})
			if err != nil || tries != 2 {
				t.Errorf("error %v, %d tries", err, tries)
			}
			c.wantN(0, before+3)
		})
	}
}
