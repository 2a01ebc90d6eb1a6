package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/store"
)

// Errors of a database that is not as the store needs it.
var (
	// ErrNotMigrated: the collections are not there. Call [Store.Migrate].
	ErrNotMigrated = store.Definite(errors.New("the collections are not there: call Migrate first"))
	// ErrTooNew: a newer release has changed the collections in a way that this one does not know.
	ErrTooNew = store.Definite(errors.New("the collections are of a newer release: upgrade this program"))
)

// look finds out, once, what the server can do and whether the collections are there, and starts what
// runs beside the calls.
func (s *Store) look(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	if s.ready.Load() {
		return nil
	}
	if err := s.inspect(ctx); err != nil {
		return fmt.Errorf("mongo: %w", s.reading(err))
	}
	s.beside.Go(s.tend)
	s.ready.Store(true)
	return nil
}

// An answer of the server to hello, as far as it matters.
type hello struct {
	SetName string        `bson:"setName"`
	Msg     string        `bson:"msg"` // "isdbgrid" of a mongos
	Time    bson.DateTime `bson:"localTime"`
}

func (h *hello) replicated() bool { return h.SetName != "" || h.Msg == "isdbgrid" }

func (s *Store) hello(ctx context.Context) (h hello, err error) {
	err = s.db.RunCommand(alone(ctx), bson.M{"hello": 1}).Decode(&h)
	return h, err
}

// alone takes a session out of a context.
func alone(ctx context.Context) context.Context { return mongo.NewSessionContext(ctx, nil) }

func (s *Store) inspect(ctx context.Context) error {
	h, err := s.hello(ctx)
	if err != nil {
		return err
	}
	version, err := s.version(ctx)
	switch {
	case err != nil:
		return err
	case version == 0:
		return fmt.Errorf("database %s, prefix %s: %w", s.db.Name(), s.prefix, ErrNotMigrated)
	case version > schemaVersion:
		return fmt.Errorf("database %s, prefix %s: %w", s.db.Name(), s.prefix, ErrTooNew)
	}
	if s.replicated = h.replicated(); !s.replicated {
		s.logger.WarnContext(ctx, "firefly: the server is no replica set, so it has no transactions: a handler's children are still "+
			"kept exactly once, but its own writes are not part of its task's completion", "database", s.db.Name(), "prefix", s.prefix)
	}
	return nil
}

// errStandAlone explains what is missing.
func (s *Store) errStandAlone() error {
	return fmt.Errorf("mongo: a transaction needs a replica set or a sharded cluster, and the server is a stand-alone one: %w",
		store.Unsupported(s, "WithTx"))
}
