package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fireflytasks/go-firefly/store"
)

// explain says what to do about the errors that have a remedy, and marks as definite those that
// prove that nothing was changed.
//
// A statement that the server answers with an error has been rolled back. But a server that ends
// the connection may do so after it has committed, and whatever breaks on the way proves nothing.
// What pgconn.SafeToRetry says is not relied on: of a COMMIT whose reply was lost, pgx 5.11 says
// that it was never sent.
func (s *Store) explain(err error) error {
	if err == nil || store.IsDefinite(err) {
		return err
	}
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect):
		return s.explainConnect(err)
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return store.Definite(err)
	case errors.As(err, &pg):
		return s.explainCode(pg, err)
	default:
		return oneLineError{err}
	}
}

// explainConnect explains why there is no connection. Its texts name user, database and host, but
// no password.
func (s *Store) explainConnect(err error) error {
	var pg *pgconn.PgError
	err = oneLineError{err}
	if !errors.As(err, &pg) {
		return fmt.Errorf("%w: the server cannot be reached: %w", store.ErrUnavailable, err)
	}
	switch pg.Code[:2] {
	case "28":
		return store.Definite(fmt.Errorf("the server refuses the role or its password: %w", err))
	case "3D":
		return store.Definite(fmt.Errorf("there is no such database: create it first: %w", err))
	default: // too many connections, starting up, shutting down
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
}

func (s *Store) explainCode(pg *pgconn.PgError, err error) error {
	if pg.SeverityUnlocalized == "FATAL" || pg.SeverityUnlocalized == "PANIC" || pg.Code == "40003" || strings.HasPrefix(pg.Code, "08") {
		return err
	}
	if conflict(pg) {
		return fmt.Errorf("%w: %w", store.ErrConflict, err)
	}
	switch pg.Code {
	case "25006":
		s.own.Reset() // it was the primary before: look for the new one
		return fmt.Errorf("%w: the server is read-only, a standby perhaps: connect with target_session_attrs=read-write: %w",
			store.ErrUnavailable, err)
	case "55P03", "57014": // a lock or statement time-out
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case "3F000", "42P01", "42883", "42703": // no such schema, table, function, column
		return fmt.Errorf("schema %s: %w: %w", s.schema, ErrSchemaMissing, err)
	case "42501":
		return store.Definite(fmt.Errorf("the role lacks a right: let it own the schema %s, or grant it all on that schema, its tables, "+
			"sequences and functions: %w", s.schema, err))
	}
	if strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "58") { // out of disk, memory, …
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return store.Definite(err)
}

// conflict reports whether a transaction ran into another: a serialization failure, or a deadlock.
func conflict(pg *pgconn.PgError) bool { return pg.Code == "40001" || pg.Code == "40P01" }

// A oneLineError is an error whose text is folded to a line: that of a failed connection has one for each
// address.
type oneLineError struct{ error }

func (e oneLineError) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLineError) Unwrap() error { return e.error }
