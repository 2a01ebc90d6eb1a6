package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// A session is a transaction under way: on the write connection, or the application's own.
type session struct {
	*Store
	ctx    context.Context
	at     int64 // the time of the call, in microseconds
	app    *sql.Tx
	inTx   bool // more than one call: nothing in it is a repeat
	counts map[string]*store.QueueCounts
	news   wake.News
}

// locked takes the write connection. The caller gives it back with unlock.
func (s *Store) locked(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if a, ok := store.AttemptFrom(ctx); ok && s.holder.Load() == a {
		return ErrBesideTx
	}
	select {
	case <-s.done:
		return store.ErrClosed
	default:
	}
	select {
	case <-s.lock:
	case <-s.done:
		return store.ErrClosed
	case <-ctx.Done():
		return ended(ctx)
	}
	return nil
}

func (s *Store) unlock() { s.lock <- struct{}{} }

// inWrite takes the write connection for transact.
func (s *Store) inWrite(ctx context.Context, fn func(q *session) error) error {
	if err := s.locked(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.reserve(ctx, store.MaxTx); err != nil {
		return err
	}
	return s.transact(ctx, fn)
}

// transact runs fn in a transaction of the store's own. Its errors are definite, but for one of
// the commit that SQLite did not roll back. The write connection is the caller's.
func (s *Store) transact(ctx context.Context, fn func(q *session) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	q := s.session(ctx)
	if err := errors.Join(fn(q), q.flushCounts()); err != nil {
		s.rollback()
		return store.Definite(explain(err))
	}
	if err := s.commit(); err != nil {
		return err
	}
	s.board.Announce(&q.news)
	return nil
}

func (s *Store) session(ctx context.Context) *session {
	return &session{Store: s, ctx: ctx, at: s.now(), counts: map[string]*store.QueueCounts{}}
}

// begin opens a transaction with SQLite's write lock.
func (s *Store) begin(ctx context.Context) error {
	err := s.whileBusy(ctx, func() error {
		_, err := s.write.ExecContext(ctx, "BEGIN IMMEDIATE")
		return err
	})
	if err != nil {
		s.rollback() // if ctx ended as it began
		return store.Definite(explain(err))
	}
	return nil
}

// whileBusy repeats try as long as another process holds SQLite's lock, for the busy timeout at
// most. SQLite could wait by itself, but would not hear ctx meanwhile, and sleeps for longer.
func (s *Store) whileBusy(ctx context.Context, try func() error) error {
	for deadline := time.Now().Add(s.busy); ; {
		err := try()
		if !busy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ended(ctx)
		case <-time.After(rand.N(5 * time.Millisecond)):
		}
	}
}

// commit commits. If SQLite can still roll back afterwards, the commit did not happen.
func (s *Store) commit() error {
	_, err := s.write.ExecContext(context.Background(), "COMMIT")
	if err == nil {
		return nil
	}
	if s.rollback() {
		return store.Definite(explain(err))
	}
	return explain(err)
}

// rollback reports whether there was something to roll back.
func (s *Store) rollback() bool {
	_, err := s.write.ExecContext(context.Background(), "ROLLBACK")
	return err == nil
}

// stmt returns a statement of the write connection, prepared once.
func (s *Store) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := s.stmts[text]; st != nil {
		return st, nil
	}
	st, err := s.write.PrepareContext(ctx, text)
	if err == nil {
		s.stmts[text] = st
	}
	return st, err
}

// exec runs text, which names an embedded file or is a statement itself.
func (q *session) exec(text string, args ...any) error {
	_, err := q.execCount(text, args...)
	return err
}

// execCount also returns how many rows changed.
func (q *session) execCount(text string, args ...any) (int64, error) {
	text = q.text(text)
	var result sql.Result
	var err error
	switch {
	case q.app != nil:
		result, err = q.app.ExecContext(q.ctx, text, args...)
	case len(args) == 0:
		result, err = q.write.ExecContext(q.ctx, text) // may be several statements
	default:
		var st *sql.Stmt
		if st, err = q.stmt(q.ctx, text); err == nil { //nolint:sqlclosecheck // kept until Close
			result, err = st.ExecContext(q.ctx, args...)
		}
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query calls scan for each row.
func (q *session) query(text string, args []any, scan func(rows *sql.Rows) error) error {
	text = q.text(text)
	var rows *sql.Rows
	var err error
	if q.app != nil {
		rows, err = q.app.QueryContext(q.ctx, text, args...)
	} else {
		var st *sql.Stmt
		if st, err = q.stmt(q.ctx, text); err == nil { //nolint:sqlclosecheck // kept until Close
			rows, err = st.QueryContext(q.ctx, args...)
		}
	}
	if err != nil {
		return err
	}
	return eachRow(rows, scan)
}

func eachRow(rows *sql.Rows, scan func(rows *sql.Rows) error) error {
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// row scans the first row; sql.ErrNoRows if there is none.
func (q *session) row(text string, args []any, into ...any) error {
	found := false
	err := q.query(text, args, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(into...)
	})
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return err
}

// text returns the embedded file of that name, or else the statement itself with the prefix.
func (s *Store) text(name string) string {
	if text, ok := s.texts[name]; ok {
		return text
	}
	return withPrefix(name, s.prefix)
}

// count notes that a queue has n tasks of a status more; flushCounts writes it down.
func (q *session) count(queue string, status store.Status, n int64) {
	c := q.counts[queue]
	if c == nil {
		c = &store.QueueCounts{}
		q.counts[queue] = c
	}
	switch status {
	case store.Created:
		c.Created += n
	case store.Running:
		c.Running += n
	case store.Completed:
		c.Completed += n
	case store.Failed:
		c.Failed += n
	default:
		c.Cancelled += n
	}
}

func (q *session) flushCounts() error {
	for name, c := range q.counts {
		if err := q.exec("count.sql", name, c.Created, c.Running, c.Completed, c.Failed, c.Cancelled); err != nil {
			return err
		}
	}
	clear(q.counts)
	return nil
}
