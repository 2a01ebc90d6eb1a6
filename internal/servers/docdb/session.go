package docdb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// A session knows the last write, or transaction, that a client has given a number in it.
type session struct {
	id string

	mu      sync.Mutex
	known   bool // what is stored of it has been read: see recall
	number  int64
	state   state
	tx      pgx.Tx          // of an open transaction
	touched map[string]bool // the databases that it is about
	limit   *time.Timer
}

// A state is what became of a session's write or transaction.
type state int

const (
	nothing state = iota // was stored
	stored               // a write, with its reply
	open
	committed
	aborted
)

func (g *Gateway) session(id string) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sessions[id]
	if s == nil {
		s = &session{id: id, number: -1}
		g.sessions[id] = s
	}
	return s
}

// recall reads what is stored of a session. Its lock is held.
func (g *Gateway) recall(ctx context.Context, s *session) error {
	if s.known {
		return nil
	}
	var wrote bool
	err := g.pool.QueryRow(ctx, "SELECT number, reply IS NOT NULL FROM gateway.sessions WHERE id = $1", []byte(s.id)).
		Scan(&s.number, &wrote)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return err
	case wrote:
		s.state = stored
	default:
		s.state = committed
	}
	s.known = true
	return nil
}

// doubt lets what is stored of a session be read again, if after an error nobody knows what that is.
func (s *session) doubt(err error) {
	if err != nil && asCommandError(err, "") == nil {
		s.known = false
	}
}

// remember stores, together with the write or the transaction that it tells of, that it was done.
func (s *session) remember(ctx context.Context, tx pgx.Tx, number int64, reply bson.Raw) error {
	const sql = `INSERT INTO gateway.sessions VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET number = EXCLUDED.number, reply = EXCLUDED.reply`
	_, err := tx.Exec(ctx, sql, []byte(s.id), number, []byte(reply))
	return err
}

// replay returns the reply to the session's write.
func (g *Gateway) replay(ctx context.Context, s *session) (bson.Raw, error) {
	var reply []byte
	err := g.pool.QueryRow(ctx, "SELECT reply FROM gateway.sessions WHERE id = $1", []byte(s.id)).Scan(&reply)
	return reply, err
}

// endSessions forgets sessions that a client needs no longer.
func (g *Gateway) endSessions(ctx context.Context, q *request) (bson.Raw, error) {
	ids := [][]byte{}
	for _, v := range values(q.body.Lookup(q.name)) {
		d, _ := v.DocumentOK()
		if _, id, is := d.Lookup("id").BinaryOK(); is {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		g.mu.Lock()
		s := g.sessions[string(id)]
		delete(g.sessions, string(id))
		g.mu.Unlock()
		if s != nil {
			s.mu.Lock()
			g.abort(s)
			s.mu.Unlock()
		}
	}
	_, err := g.pool.Exec(ctx, "DELETE FROM gateway.sessions WHERE id = ANY($1)", ids)
	return ok(), err
}
