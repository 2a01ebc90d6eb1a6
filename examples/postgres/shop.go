package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

var (
	confirm = firefly.Declare[int64, string]("shop.confirm", firefly.MaxRetries(3))
	mail    = firefly.Declare[string, firefly.None]("shop.mail", firefly.MaxRetries(10))
)

type shop struct {
	pool   *pgxpool.Pool
	store  *postgres.Store
	client *firefly.Client
	sent   chan string
}

// order writes an order and the task that confirms it, in one transaction of the application's.
func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	item, err := io.ReadAll(io.LimitReader(r.Body, 100))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var id int64
	err = pgx.BeginFunc(r.Context(), s.pool, func(tx pgx.Tx) error {
		const text = `INSERT INTO shop_example.orders (item) SELECT item FROM shop_example.stock WHERE item = $1 RETURNING id`
		if err := tx.QueryRow(r.Context(), text, string(item)).Scan(&id); err != nil {
			return err
		}
		_, err := confirm.Schedule(r.Context(), s.client.In(s.store.In(tx)), id)
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "we have no such thing", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "order %d is accepted\n", id)
	}
}

// confirm takes the item from the stock and schedules an e-mail. All of it, and the completion of
// the task, is one transaction: the handler's own.
func (s *shop) confirm(ctx context.Context, id int64) (string, error) {
	tx, err := postgres.Tx(ctx) // opened now, committed when the handler has returned nil
	if err != nil {
		return "", err
	}
	var item string
	const text = `UPDATE shop_example.orders SET confirmed = true WHERE id = $1 RETURNING item`
	if err := tx.QueryRow(ctx, text, id).Scan(&item); err != nil {
		return "", err
	}
	answer := fmt.Sprintf("order %d, your %s is on its way", id, item)
	taken, err := tx.Begin(ctx) // a savepoint: to be sold out is no failure
	if err != nil {
		return "", err
	}
	var broken *pgconn.PgError
	_, err = taken.Exec(ctx, `UPDATE shop_example.stock SET pieces = pieces - 1 WHERE item = $1`, item)
	switch {
	case err == nil:
		err = taken.Commit(ctx)
	case errors.As(err, &broken) && broken.ConstraintName == "stock_pieces_check":
		answer = fmt.Sprintf("order %d, sorry, the %s is sold out", id, item)
		err = taken.Rollback(ctx)
	}
	if err != nil {
		return "", err
	}
	_, err = mail.Schedule(ctx, s.client, answer) // sent only if all of this is committed
	return answer, err
}

func (s *shop) mail(_ context.Context, text string) error {
	s.sent <- text
	return nil
}
