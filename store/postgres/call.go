package postgres

import (
	"context"
	"database/sql"
	_ "embed" // for statements
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// texts are the calls of the functions in a store's schema.
type texts struct {
	ids, one, plain, insert, claim, complete, fail, again, extend, cancel, retry, setDue, remove, get string
}

var (
	//go:embed sql/insert_one.sql
	oneInsert string
	//go:embed sql/insert_plain.sql
	plainInsert string
)

func newTexts(schema string) texts {
	call := func(name string, types ...string) string {
		params := make([]string, len(types))
		for i, t := range types { // cast, for drivers that send every parameter as text, as database/sql's may
			params[i] = fmt.Sprintf("$%d::%s", i+1, t)
		}
		return inSchema("SELECT * FROM firefly."+name+"("+strings.Join(params, ", ")+")", schema)
	}
	return texts{
		ids:   inSchema("SELECT nextval('firefly.id_block'::regclass) FROM generate_series(1, $1)", schema),
		one:   inSchema(oneInsert, schema),
		plain: inSchema(plainInsert, schema),
		insert: call("insert_1", "bigint", "boolean", "bigint[]", "text[]", "text[]", "smallint[]", "text[]", "bytea[]", "text[]",
			"timestamptz[]", "bigint[]", "integer[]", "bigint[]", "bigint[]", "text[]", "boolean[]"),
		claim: call("claim_1", "bigint", "text[]", "smallint[]", "timestamptz[]", "text[]", "integer", "uuid", "bigint", "text",
			"uuid[]"),
		complete: call("complete_1", "bigint", "boolean", "bigint[]", "uuid[]", "bytea", "integer[]", "integer[]"),
		fail:     call("fail_1", "bigint", "boolean", "bigint[]", "uuid[]", "boolean[]", "integer[]", "text[]"),
		again:    call("reschedule_1", "bigint", "boolean", "bigint[]", "uuid[]", "smallint[]", "bigint[]", "integer[]", "text[]"),
		extend:   call("extend_1", "bigint", "bigint", "uuid[]"),
		cancel:   call("cancel_1", "bigint", "bigint[]"),
		retry:    call("retry_1", "bigint", "bigint[]"),
		setDue:   call("set_due_1", "bigint", "bigint[]", "timestamptz", "bigint"),
		remove:   call("delete_1", "bigint[]"),
		get:      call("get_1", "bigint[]"),
	}
}

// A querier is a connection, pool or transaction of pgx.
type querier interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}

// A scanner is a row, of whichever driver.
type scanner interface{ Scan(into ...any) error }

// query calls scan for each row.
func query(ctx context.Context, q querier, text string, args []any, scan func(r scanner) error) error {
	rows, err := q.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A session is where a call is made: a connection of the store's own, or an open transaction,
// where nothing is a repeat.
type session struct {
	*Store
	inTx  bool
	query queryFunc

	// What it changes is told to this process when it has committed.
	news     wake.News
	settled  []store.LeaseID // each for a task
	gaveBack bool
}

type queryFunc func(ctx context.Context, text string, args []any, scan func(r scanner) error) error

func (s *Store) session(q querier, inTx bool) *session {
	return &session{Store: s, inTx: inTx, query: func(ctx context.Context, text string, args []any, scan func(r scanner) error) error {
		if s.pooler { // whatever the application's connection is set to
			args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
		}
		return query(ctx, q, text, args, scan)
	}}
}

// sqlSession is a session in a transaction of database/sql, whatever the driver: each parameter
// goes as text.
func (s *Store) sqlSession(tx *sql.Tx) *session {
	return &session{Store: s, inTx: true, query: func(ctx context.Context, text string, args []any, scan func(r scanner) error) error {
		plain := make([]any, len(args))
		for i, arg := range args {
			var err error
			if plain[i], err = asText(arg); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(ctx, text, plain...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // what matters is in Err
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}}
}

var types = pgtype.NewMap()

func asText(arg any) (any, error) {
	t, ok := types.TypeForValue(arg)
	if !ok {
		return nil, fmt.Errorf("no PostgreSQL type for %T", arg)
	}
	text, err := types.Encode(t.OID, pgtype.TextFormatCode, arg, nil)
	if text == nil || err != nil {
		return nil, err
	}
	return string(text), nil
}

// enter refuses a call on a closed store or with a context that has ended.
func (s *Store) enter(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if s.beside.Closed() {
		return store.ErrClosed
	}
	return nil
}

// ended returns why ctx has ended, as proof that nothing was done; nil if it has not.
func ended(ctx context.Context) error { return store.Definite(context.Cause(ctx)) }

// call makes calls on a connection of the store's own, each of them a transaction. A day for
// which there is no partition yet gets one.
func (s *Store) call(ctx context.Context, fn func(q *session) error) error {
	err := s.callOnce(ctx, fn)
	if noPartition(err) {
		if err := s.makePartitions(ctx); err != nil {
			return err
		}
		err = s.callOnce(ctx, fn)
	}
	return err
}

func (s *Store) callOnce(ctx context.Context, fn func(q *session) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return s.explain(fn(s.session(conn, false)))
}

// acquire takes a connection of the store's own, once it is known that the server is fit for use.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	conn, err := s.own.Acquire(ctx)
	if err != nil {
		return nil, s.undone(err)
	}
	return conn, nil
}

// undone explains an error that came before anything was sent.
func (s *Store) undone(err error) error {
	if s.beside.Closed() {
		return store.ErrClosed
	}
	return store.Definite(s.explain(err))
}

// noPartition reports whether a row of a day to come found no partition.
func noPartition(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && strings.HasPrefix(pg.Message, "no partition")
}
