package docdb

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// repeatable carries out a write that its client repeats if it gets no reply, and then only finds
// the reply again.
func (g *Gateway) repeatable(ctx context.Context, q *request) (bson.Raw, error) {
	s := g.session(q.session)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := g.recall(ctx, s); err != nil {
		return nil, err
	}
	switch {
	case q.number < s.number:
		return nil, transactionTooOld.errorf("number %d is older than the session's last, %d", q.number, s.number)
	case q.number == s.number && s.state == stored:
		return g.replay(ctx, s)
	}
	g.abort(s)
	s.number, s.state = q.number, nothing
	reply, err := g.outside(ctx, q, s)
	if err == nil {
		s.state = stored
	}
	s.doubt(err)
	return reply, err
}

// outside carries out a command that is in no transaction. If it meets others, it is tried again,
// as MongoDB does. The session is that of a write that may be repeated, if it is one.
func (g *Gateway) outside(ctx context.Context, q *request, s *session) (bson.Raw, error) {
	if commands[q.name].is&changes == 0 {
		return g.run(ctx, g.pool, q)
	}
	const tries = 100
	for try := 1; ; try++ {
		reply, err := g.attempt(ctx, q, s, try > 1)
		if err == nil || !isConflict(err, q.namespace()) || try == tries {
			return reply, err
		}
	}
}

// attempt is a try to carry out a command. Those who have lost a race line up for the next: they
// would meet each other again, and again.
func (g *Gateway) attempt(ctx context.Context, q *request, s *session, inLine bool) (bson.Raw, error) {
	tx, err := g.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if inLine {
		_, err = tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", q.namespace())
	}
	var reply bson.Raw
	if err == nil {
		reply, err = g.write(ctx, tx, q, s)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err != nil {
		_ = tx.Rollback(ending)
		return nil, err
	}
	return reply, commit(ending, tx)
}

// write does all but the commit.
func (g *Gateway) write(ctx context.Context, tx pgx.Tx, q *request, s *session) (bson.Raw, error) {
	reply, err := g.run(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	reply, failed := withWriteErrors(reply, q.namespace())
	if failed != nil && failed.kind == writeConflict {
		return nil, failed
	}
	if s != nil {
		err = s.remember(ctx, tx, q.number, reply)
	}
	return reply, err
}

// commit commits. If PostgreSQL does not answer, nobody knows whether it has done so.
func commit(ctx context.Context, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	var failed *pgconn.PgError
	if err == nil || errors.As(err, &failed) || errors.Is(err, pgx.ErrTxCommitRollback) {
		return err
	}
	return errUnknown
}
