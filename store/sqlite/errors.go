package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/fireflytasks/go-firefly/store"
)

var (
	// ErrTxTooLong: a handler's transaction held the file's only write lock for longer than a
	// third of its task's lease, and was rolled back.
	ErrTxTooLong = store.Definite(errors.New("sqlite: the transaction held the write lock for too long and was rolled back: " +
		"open it late, finish fast"))
	// ErrBesideTx: a handler wrote to the store beside its own open transaction, for which it
	// would have waited for ever.
	ErrBesideTx = store.Definite(errors.New("sqlite: a write beside the handler's own open transaction, which holds the write lock: " +
		"write through that"))
)

// code returns SQLite's primary result code, zero if err has none.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func busy(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}

// explain says what to do about the errors that have a remedy.
func explain(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: another program holds the file's write lock: %w", store.ErrUnavailable, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: the disk is full, or the file has reached its max_page_count: %w", store.ErrUnavailable, err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: the file, or its directory, cannot be written: %w", store.ErrUnavailable, err)
	case sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("the file cannot be opened or made: check that its directory exists and can be written: %w", err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("the file is damaged, or no SQLite database: restore it from a backup: %w", err)
	default:
		return err
	}
}

// ended returns why ctx has ended, as proof that nothing was done; nil if it has not.
func ended(ctx context.Context) error { return store.Definite(context.Cause(ctx)) }
