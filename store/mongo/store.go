package mongo

import (
	"context"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/fireflytasks/go-firefly/internal/background"
	"github.com/fireflytasks/go-firefly/internal/ids"
	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Store is a store in a MongoDB database. Make one with [New].
type Store struct {
	config
	db    *mongo.Database
	tasks *mongo.Collection
	hints *mongo.Collection // the tasks, read with less care: for what is checked when it is written
	lease *mongo.Collection
	meta  *mongo.Collection

	beside *background.Group // what runs beside the calls

	looking    sync.Mutex
	ready      atomic.Bool // the server has been looked at
	replicated bool        // it has transactions; set before ready

	clock      clock
	board      wake.Board
	listen     sync.Once
	ids        ids.Ranges
	holdings   holdings
	stuck      stuckLeases
	work       workload
	candidates candidates
}

var _ interface {
	store.Full
	store.ParentCompleter
} = (*Store)(nil)

// New returns a store in db, whose client must stay connected for as long as the store is used. It
// writes with majority and journal and reads from the primary, whatever db is set to. It talks to no
// server yet: the first call does, and finds out whether the server has transactions and whether the
// collections are there. Call [Store.Migrate] before, once for a release at least, and Close when the
// store is not used any more. All faults of the options come in one error.
func New(db *mongo.Database, opts ...Option) (*Store, error) {
	c, err := newConfig(db, opts)
	if err != nil {
		return nil, err
	}
	own := db.Client().Database(db.Name(), options.Database().
		SetWriteConcern(durable()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary()).
		SetRegistry(bson.NewRegistry()).
		SetBSONOptions(&options.BSONOptions{}))
	return &Store{
		config: c, db: own,
		tasks:  own.Collection(c.prefix + "_task"),
		hints:  own.Collection(c.prefix+"_task", options.Collection().SetReadConcern(readconcern.Local())),
		lease:  own.Collection(c.prefix + "_lease"),
		meta:   own.Collection(c.prefix + "_meta"),
		beside: background.New(), candidates: candidates{turn: make(chan struct{}, 1)},
	}, nil
}

// durable is what the store waits for when it writes.
func durable() *writeconcern.WriteConcern {
	journal := true
	return &writeconcern.WriteConcern{W: "majority", Journal: &journal}
}

// Close implements [io.Closer]. It waits for what runs beside the calls; the client stays connected.
func (s *Store) Close() error {
	s.beside.Close()
	return nil
}

// enter refuses a call on a closed store or with a context that has ended, and has the server looked
// at before the first one.
func (s *Store) enter(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if s.beside.Closed() {
		return store.ErrClosed
	}
	return s.look(ctx)
}

// ended returns why ctx has ended, as proof that nothing was done; nil if it has not.
func ended(ctx context.Context) error { return store.Definite(context.Cause(ctx)) }
