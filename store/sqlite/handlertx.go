package sqlite

import (
	"context"
	"database/sql"

	"github.com/fireflytasks/go-firefly/store"
)

// HandlerTx is the transaction that commits together with a handler's task, found by [Tx]. Its
// methods are those of [sql.Tx] but for Commit and Rollback, which are the engine's. They are
// called one at a time.
type HandlerTx struct{ t *tx }

// Tx returns the transaction of the run that ctx, a handler's, belongs to, and opens it at the
// first call. From then on until the handler returns, nobody else writes to the file. Outside of
// handlers, and in those of another store, the error is [store.ErrNoAttempt].
func Tx(ctx context.Context) (*HandlerTx, error) {
	t, err := store.AttemptTxAs[*tx](ctx)
	if err != nil {
		return nil, err
	}
	return &HandlerTx{t}, nil
}

// ExecContext is [sql.Tx.ExecContext].
func (h *HandlerTx) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = h.use(ctx, func(ctx context.Context) (err error) {
		result, err = h.t.write.ExecContext(ctx, query, args...)
		return err
	})
	return result, err
}

// QueryContext is [sql.Tx.QueryContext]. The rows must be closed before the next call.
func (h *HandlerTx) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = h.use(ctx, func(ctx context.Context) (err error) {
		rows, err = h.t.write.QueryContext(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
		return err
	})
	return rows, err
}

// QueryRowContext is [sql.Tx.QueryRowContext].
func (h *HandlerTx) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	err := h.use(ctx, func(ctx context.Context) error {
		row = h.t.write.QueryRowContext(ctx, query, args...)
		return row.Err()
	})
	if row == nil { // only database/sql can make a row that holds an error
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(err)
		row = h.t.read.QueryRowContext(ctx, query, args...)
	}
	return row
}

// PrepareContext is [sql.Tx.PrepareContext]. The statement must be closed.
func (h *HandlerTx) PrepareContext(ctx context.Context, query string) (stmt *sql.Stmt, err error) {
	err = h.use(ctx, func(ctx context.Context) (err error) {
		stmt, err = h.t.write.PrepareContext(ctx, query) //nolint:sqlclosecheck // the caller's
		return err
	})
	return stmt, err
}

// use lets f work on the connection, until the handler's context or the transaction's ends.
func (h *HandlerTx) use(ctx context.Context, f func(ctx context.Context) error) error {
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if err := h.t.usable(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	context.AfterFunc(h.t.ctx, func() { cancel(context.Cause(h.t.ctx)) })
	err := f(ctx)
	if err != nil && h.t.ctx.Err() != nil {
		return ended(h.t.ctx)
	}
	return err
}
