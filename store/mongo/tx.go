package mongo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/fireflytasks/go-firefly/store"
)

// ErrHandlerTx: a handler ended its own transaction, which is the engine's to do: it commits when the
// handler returns nil, and rolls back when it returns an error.
var ErrHandlerTx = store.Definite(errors.New("mongo: the engine ends a handler's transaction: return nil to commit, an error to roll back"))

// Begin implements [store.Beginner]: what is written through it is kept, and sent with the commit.
// Ids are known at once, verdicts at the commit. On a stand-alone server it is not supported.
func (s *Store) Begin(ctx context.Context) (store.Tx, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if !s.replicated {
		return nil, s.errStandAlone()
	}
	t := &tx{s: s, ctx: ctx}
	t.Tx = store.Gather(ctx, store.Gathering{Number: s.numberAll, Commit: t.commit})
	return t, nil
}

// WithTx implements [store.Store]. On a stand-alone server it is not supported.
func (s *Store) WithTx(ctx context.Context, fn func(ctx context.Context, tx store.Writer) error) error {
	return store.RunTx(ctx, s, fn)
}

func (s *Store) numberAll(ctx context.Context, tasks []store.NewTask) error {
	all := make([]int, len(tasks))
	for i := range all {
		all[i] = i
	}
	return s.number(ctx, tasks, all)
}

// A tx is a transaction: the store's writes, which are gathered, and the session in which a handler,
// if it asks for it, makes its own before.
type tx struct {
	store.Tx
	s   *Store
	ctx context.Context

	mu      sync.Mutex
	session *mongo.Session
	ended   bool
}

// Session returns a context for the driver's calls, with which they are part of the transaction of
// the run that ctx, a handler's, belongs to. It is opened at the first call, with snapshot isolation,
// and commits together with the task's completion. The engine ends it: see [ErrHandlerTx]. It serves
// one call at a time. The context ends with ctx, and with the run. Outside of handlers, and in those of
// another store, the error is [store.ErrNoAttempt]; on a stand-alone server it matches
// [errors.ErrUnsupported].
func Session(ctx context.Context) (context.Context, error) {
	t, err := store.AttemptTxAs[*tx](ctx)
	if err != nil {
		return nil, err
	}
	session, err := t.open()
	if err != nil {
		return nil, err
	}
	return mongo.NewSessionContext(ctx, session), nil
}

// open returns the transaction's session, started if it was not yet.
func (t *tx) open() (*mongo.Session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ended(t.ctx); err != nil {
		return nil, err
	}
	switch {
	case t.ended:
		return nil, store.ErrTxDone
	case t.session != nil:
		return t.session, nil
	}
	session, err := t.s.startTx(t.ctx)
	t.session = session
	return session, err
}

// startTx returns a session with a transaction, of which the server hears with the first command.
func (s *Store) startTx(ctx context.Context) (*mongo.Session, error) {
	session, err := s.db.Client().StartSession()
	if err != nil {
		return nil, store.Definite(s.explain(err))
	}
	err = session.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).
		SetReadPreference(readpref.Primary()).
		SetWriteConcern(durable()))
	if err != nil {
		session.EndSession(context.WithoutCancel(ctx))
		return nil, store.Definite(s.explain(err))
	}
	return session, nil
}

// abortTimeout bounds a rollback, which waits for nothing but the network.
const abortTimeout = 5 * time.Second

// endTx ends a session, and rolls back what was not committed in it.
func endTx(ctx context.Context, session *mongo.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	session.EndSession(ctx)
}

// Rollback implements [store.Tx]. If the server is not told, it ends the transaction by itself after a
// minute.
func (t *tx) Rollback(ctx context.Context) error {
	err := t.Tx.Rollback(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.session != nil {
		endTx(ctx, t.session)
		t.session = nil
	}
	return err
}

// Conflicted implements [store.ConflictTx]. A write conflict counts without the label, too: a server that
// gave up waiting for another transaction may leave it out.
func (t *tx) Conflicted(err error) bool {
	return hasLabel(err, labelTransient) || hasCode(err, codeWriteConflict)
}

// Commit implements [store.Tx].
func (t *tx) Commit(ctx context.Context) error {
	err := t.Tx.Commit(ctx)
	t.mu.Lock()
	open := t.session != nil
	t.mu.Unlock()
	if err == nil && open && !t.committed() { // there was nothing of the store's to be written
		err = t.commit(ctx, func(context.Context, store.Writer) error { return nil })
	}
	_ = t.Rollback(ctx)
	return err
}

func (t *tx) committed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// commit makes what was gathered in the session, and commits all.
func (t *tx) commit(ctx context.Context, replay func(ctx context.Context, w store.Writer) error) error {
	session, err := t.open()
	if err != nil {
		return err
	}
	if !session.TransactionRunning() {
		return ErrHandlerTx
	}
	in := newInTx(t.s, session)
	if err := replay(ctx, in); err != nil {
		return t.s.explainInTx(err)
	}
	for _, refused := range in.refused {
		if err := refused.OrNil(); err != nil {
			return err
		}
	}
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	if err := t.s.commit(ctx, session); err != nil {
		return err
	}
	in.happened()
	return nil
}

// commitTries bounds how often a commit is sent again whose outcome is unknown.
const commitTries = 5

// commit commits a session's transaction. As long as its outcome is unknown the commit alone is sent
// again: the server knows whether it has done it.
func (s *Store) commit(ctx context.Context, session *mongo.Session) error {
	for try, doubt := 1, false; ; try++ {
		err := session.CommitTransaction(ctx)
		unknown := hasLabel(err, labelUnknownCommit)
		doubt = doubt || unknown || ctx.Err() != nil
		switch {
		case err == nil:
			return nil
		case (unknown || unsent(err)) && ctx.Err() == nil && try < commitTries:
		case hasLabel(err, labelTransient) && !unknown && (!doubt || !unsent(err)):
			return s.explainInTx(err)
		case doubt: // also if this try was never sent
			s.work.doubted()
			return fmt.Errorf("mongo: commit: %w", oneLine(err))
		default:
			return s.explain(err)
		}
	}
}
