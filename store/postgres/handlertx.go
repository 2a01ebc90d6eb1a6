package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fireflytasks/go-firefly/store"
)

// ErrHandlerTx: a handler tried to commit or roll back its own transaction, which is the engine's
// to do: it commits when the handler returns nil, and rolls back when it returns an error.
var ErrHandlerTx = store.Definite(errors.New("postgres: the engine ends a handler's transaction: " +
	"return nil to commit, an error to roll back"))

// Tx returns the transaction of the run that ctx, a handler's, belongs to, and opens it at the
// first call, in a connection of the application's pool. It commits together with the task's
// completion. Its isolation is READ COMMITTED; it ends with the run's context. Its Commit and
// Rollback return [ErrHandlerTx], but its Begin makes savepoints whose work as usual. It serves one
// call at a time: rows and batches have to be closed before the next. Outside of handlers, and in
// those of another store, the error is [store.ErrNoAttempt].
func Tx(ctx context.Context) (pgx.Tx, error) {
	t, err := store.AttemptTxAs[*tx](ctx)
	if err != nil {
		return nil, err
	}
	return &handlerTx{t: t}, nil
}

// A handlerTx is a transaction, or a savepoint in it, as a handler sees it.
type handlerTx struct {
	t     *tx
	depth int // of savepoints; zero is the transaction
	ended bool
}

func (h *handlerTx) use(ctx context.Context) (context.Context, func(), error) {
	if h.ended {
		return nil, nil, pgx.ErrTxClosed
	}
	return h.t.use(ctx)
}

func (h *handlerTx) Begin(ctx context.Context) (pgx.Tx, error) {
	inner := &handlerTx{t: h.t, depth: h.depth + 1}
	if _, err := h.Exec(ctx, "SAVEPOINT "+inner.savepoint()); err != nil {
		return nil, err
	}
	return inner, nil
}

func (h *handlerTx) savepoint() string { return fmt.Sprintf("firefly_%d", h.depth) }

func (h *handlerTx) Commit(ctx context.Context) error { return h.end(ctx, "RELEASE SAVEPOINT ") }

func (h *handlerTx) Rollback(ctx context.Context) error {
	return h.end(ctx, "ROLLBACK TO SAVEPOINT ")
}

func (h *handlerTx) end(ctx context.Context, how string) error {
	if h.depth == 0 {
		return ErrHandlerTx
	}
	_, err := h.Exec(ctx, how+h.savepoint())
	if err == nil {
		h.ended = true
	}
	return err
}

func (h *handlerTx) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	ctx, done, err := h.use(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer done()
	return h.t.tx.Exec(ctx, text, args...)
}

func (h *handlerTx) Prepare(ctx context.Context, name, text string) (*pgconn.StatementDescription, error) {
	ctx, done, err := h.use(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return h.t.tx.Prepare(ctx, name, text)
}

func (h *handlerTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, from pgx.CopyFromSource) (int64, error) {
	ctx, done, err := h.use(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	return h.t.tx.CopyFrom(ctx, table, columns, from)
}

func (h *handlerTx) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	ctx, done, err := h.use(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := h.t.tx.Query(ctx, text, args...)
	if err != nil {
		done()
		return nil, err
	}
	return &handlerRows{rows, done}, nil
}

// handlerRows use the connection until they are closed.
type handlerRows struct {
	pgx.Rows
	done func()
}

func (r *handlerRows) Close() {
	r.Rows.Close()
	r.done()
}

func (r *handlerRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.done() // they are closed now
	return false
}

func (h *handlerTx) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	rows, err := h.Query(ctx, text, args...)
	return &handlerRow{rows, err}
}

type handlerRow struct {
	rows pgx.Rows
	err  error
}

func (r *handlerRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(into...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

func (h *handlerTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	ctx, done, err := h.use(ctx)
	if err != nil {
		return failedBatch{err}
	}
	return &handlerBatch{h.t.tx.SendBatch(ctx, b), done}
}

// A handlerBatch uses the connection until it is closed.
type handlerBatch struct {
	pgx.BatchResults
	done func()
}

func (b *handlerBatch) Close() error {
	defer b.done()
	return b.BatchResults.Close()
}

// A failedBatch was never sent.
type failedBatch struct{ err error }

func (b failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b failedBatch) Query() (pgx.Rows, error)         { return nil, b.err }
func (b failedBatch) QueryRow() pgx.Row                { return &handlerRow{err: b.err} }
func (b failedBatch) Close() error                     { return b.err }

func (h *handlerTx) LargeObjects() pgx.LargeObjects { return h.t.tx.LargeObjects() }

func (h *handlerTx) Conn() *pgx.Conn { return h.t.tx.Conn() }
