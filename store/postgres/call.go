package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// The calls of the schema's functions, in one place. Parameters are cast, so that a driver that
// sends them as text, as database/sql may, is understood.
const (
	callIDs      = "SELECT nextval('firefly.id_block'::regclass) FROM generate_series(1, $1)"
	callInsert   = "SELECT * FROM firefly.insert_1($1::bigint,$2::boolean,$3::bigint[],$4::text[],$5::text[],$6::smallint[],$7::text[],$8::bytea[],$9::text[],$10::timestamptz[],$11::bigint[],$12::integer[],$13::bigint[],$14::bigint[],$15::text[],$16::boolean[])"
	callClaim    = "SELECT * FROM firefly.claim_1($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"
	callComplete = "SELECT * FROM firefly.complete_1($1::bigint,$2::boolean,$3::bigint[],$4::uuid[],$5::bytea,$6::integer[],$7::integer[])"
	callFail     = "SELECT * FROM firefly.fail_1($1::bigint,$2::boolean,$3::bigint[],$4::uuid[],$5::boolean[],$6::integer[],$7::text[])"
	callAgain    = "SELECT * FROM firefly.reschedule_1($1::bigint,$2::bigint[],$3::uuid[],$4::smallint[],$5::bigint[],$6::integer[],$7::text[])"
	callExtend   = "SELECT * FROM firefly.extend_1($1,$2,$3)"
	callCancel   = "SELECT * FROM firefly.cancel_1($1,$2)"
	callRetry    = "SELECT * FROM firefly.retry_1($1,$2)"
	callDelete   = "SELECT id, '', running FROM firefly.delete_1($1)"
)

// texts are the calls in a store's schema.
type texts struct {
	ids, insert, claim, complete, fail, again, extend, cancel, retry, remove string
}

func newTexts(schema string) texts {
	in := func(text string) string { return inSchema(text, schema) }
	return texts{
		in(callIDs), in(callInsert), in(callClaim), in(callComplete), in(callFail), in(callAgain),
		in(callExtend), in(callCancel), in(callRetry), in(callDelete),
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
		defer rows.Close()
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
	if s.closed() {
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
	if err := s.enter(ctx); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	conn, err := s.own.Acquire(ctx)
	if err != nil {
		return s.undone(err)
	}
	defer conn.Release()
	return s.explain(fn(s.session(conn, false)))
}

// undone explains an error that came before anything was sent.
func (s *Store) undone(err error) error {
	if s.closed() {
		return store.ErrClosed
	}
	return store.Definite(s.explain(err))
}

const (
	noPartitionCode = "23514"
	readOnlyCode    = "25006"
)

func noPartition(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == noPartitionCode && strings.HasPrefix(pg.Message, "no partition")
}
