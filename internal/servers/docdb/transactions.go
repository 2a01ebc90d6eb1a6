package docdb

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// A write that meets that of another transaction fails at once in MongoDB. Here it has to wait
// for a lock, and the other may be one that just ends.
const begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '20ms'"

// inTransaction carries out a command of a transaction, be it the end.
func (g *Gateway) inTransaction(ctx context.Context, q *request) (bson.Raw, error) {
	s := g.session(q.session)
	s.mu.Lock()
	defer s.mu.Unlock()
	err := g.recall(ctx, s)
	var reply bson.Raw
	switch {
	case err != nil:
	case q.name == "commitTransaction":
		reply, err = g.commitTransaction(q, s)
	case q.name == "abortTransaction":
		reply, err = g.abortTransaction(q, s)
	case commands[q.name].is&transactional == 0:
		err = notInTransaction.errorf("Cannot run '%s' in a multi-document transaction.", q.name)
	default:
		reply, err = g.part(ctx, q, s)
	}
	if isConflict(err, q.namespace()) {
		err = asCommandError(err, q.namespace()).labeled(transient)
	}
	return reply, err
}

// part carries out a part of a transaction. Any error ends the transaction, as in MongoDB.
func (g *Gateway) part(ctx context.Context, q *request, s *session) (bson.Raw, error) {
	if err := g.join(ctx, q, s); err != nil {
		return nil, err
	}
	q.within = s
	reply, err := g.run(ctx, s.tx, q)
	if err != nil {
		g.abort(s)
		return nil, err
	}
	reply, failed := withWriteErrors(reply, q.namespace())
	if failed == nil {
		return reply, nil
	}
	g.abort(s)
	if failed.kind == writeConflict {
		return nil, failed
	}
	return reply, nil
}

// join makes the session's transaction the one that the command belongs to.
func (g *Gateway) join(ctx context.Context, q *request, s *session) error {
	switch {
	case q.number < s.number:
		return transactionTooOld.errorf("Cannot start transaction %d because a newer one, %d, has started.", q.number, s.number)
	case q.start && q.number == s.number:
		return conflictingOp.errorf("Transaction %d was already started.", q.number)
	case q.start:
		g.abort(s)
		return g.begin(ctx, q, s)
	case q.number == s.number && s.state == committed:
		return transactionOver.errorf("Transaction %d has been committed.", q.number)
	case q.number != s.number || s.state != open:
		return noTransaction(q.number)
	}
	s.touched[q.database] = true
	return nil
}

func (g *Gateway) begin(ctx context.Context, q *request, s *session) error {
	tx, err := g.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return err
	}
	s.number, s.state, s.tx = q.number, open, tx
	s.touched = map[string]bool{q.database: true}
	s.limit = time.AfterFunc(g.lifetime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.tx == tx {
			g.abort(s)
		}
	})
	return nil
}

func (g *Gateway) commitTransaction(q *request, s *session) (bson.Raw, error) {
	switch {
	case q.number == s.number && s.state == committed:
		return ok(), nil
	case q.number != s.number || s.state != open:
		return nil, noTransaction(q.number)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.remember(ctx, s.tx, s.number, nil)
	if err == nil {
		err = commit(ctx, s.tx)
	}
	if err == nil {
		g.over(s, committed)
		return ok(), nil
	}
	g.abort(s)
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		err = noTransaction(q.number)
	}
	s.doubt(err)
	return nil, err
}

func (g *Gateway) abortTransaction(q *request, s *session) (bson.Raw, error) {
	switch {
	case q.number == s.number && s.state == committed:
		return nil, transactionOver.errorf("Transaction %d has been committed.", q.number)
	case q.number != s.number || s.state != open:
		return nil, noTransaction(q.number)
	}
	g.abort(s)
	return ok(), nil
}

// abort rolls a session's transaction back, if one is open. The session's lock is held.
func (g *Gateway) abort(s *session) {
	if s.state != open {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.tx.Rollback(ctx) // if it cannot be, then its connection is closed, and that is as good
	g.over(s, aborted)
}

func (g *Gateway) over(s *session, as state) {
	s.limit.Stop()
	s.state, s.tx, s.touched, s.limit = as, nil, nil, nil
	g.forgetCursors(s)
}

// abortIn aborts the open transactions that a database is touched by; all, if it is empty.
func (g *Gateway) abortIn(database string) {
	g.mu.Lock()
	all := make([]*session, 0, len(g.sessions))
	for _, s := range g.sessions {
		all = append(all, s)
	}
	g.mu.Unlock()
	for _, s := range all {
		s.mu.Lock()
		if database == "" || s.touched[database] {
			g.abort(s)
		}
		s.mu.Unlock()
	}
}

func noTransaction(number int64) error {
	return noSuchTransaction.errorf("Given transaction number %d does not match any in-progress transactions.", number).labeled(transient)
}
