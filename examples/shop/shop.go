package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

type order struct {
	Item   string `json:"item"`
	Amount int    `json:"amount"`
}

var (
	charge = firefly.Declare[order, string]("shop.charge", firefly.MaxRetries(5))
	pack   = firefly.Declare[order, firefly.None]("shop.pack", firefly.MaxRetries(5))
	mail   = firefly.Declare[string, firefly.None]("shop.mail", firefly.MaxRetries(10))
)

// A shop is what the handlers share.
type shop struct {
	client *firefly.Client
	book   func(ctx context.Context, id int64, o order) error
}

// handlers is called by consume, when the store is open.
func handlers(s store.Store) ([]firefly.Handler, error) {
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return nil, err
	}
	shop := &shop{client: client, book: bookIn(s)}
	return []firefly.Handler{
		charge.Handle(shop.charge),
		pack.Handle(firefly.NoResult(shop.pack)),
		mail.Handle(firefly.NoResult(shop.mail)),
	}, nil
}

// charge books the amount and schedules what follows. All of it, and the completion of the task, is
// one transaction.
func (s *shop) charge(ctx context.Context, o order) (string, error) {
	log(ctx).Info("charging", "item", o.Item)
	run, _ := firefly.Attempt(ctx)
	if err := s.book(ctx, run.Task.ID, o); err != nil {
		return "", err
	}
	receipt := fmt.Sprintf("receipt %d: a %s for %d", run.Task.ID, o.Item, o.Amount)
	err := s.client.ScheduleMany(ctx, mail.Call(receipt), pack.Call(o))
	return receipt, err
}

const packing = 500 * time.Millisecond

// pack takes its time, but not when it is told to stop: then it is done again later, from the start.
func (s *shop) pack(ctx context.Context, o order) error {
	log(ctx).Info("packing", "item", o.Item)
	select {
	case <-time.After(packing):
		log(ctx).Info("packed", "item", o.Item)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *shop) mail(ctx context.Context, text string) error {
	log(ctx).Info("mailed", "text", text)
	return nil
}

// log is the worker's logger, with the task's id, name and attempt.
func log(ctx context.Context) *slog.Logger {
	run, _ := firefly.Attempt(ctx)
	return run.Logger()
}

const (
	chargeTable = `CREATE TABLE IF NOT EXISTS charge (id bigint NOT NULL, item text NOT NULL, amount bigint NOT NULL)`
	chargeRow   = `INSERT INTO charge (id, item, amount) VALUES ($1, $2, $3)`

	// PostgreSQL's IF NOT EXISTS alone fails if two do it at once.
	chargeTableOnce = `DO $$ BEGIN
		IF to_regclass('charge') IS NULL THEN
			PERFORM pg_advisory_xact_lock(hashtext('charge'));
			` + chargeTable + `;
		END IF;
	END $$`
)

// bookIn returns how charges are written down: in the run's own transaction, where the store has one
// that takes the application's rows. Elsewhere they are only logged, each at least once.
func bookIn(s store.Store) func(ctx context.Context, id int64, o order) error {
	if _, ok := store.As[*sqlite.Store](s); ok {
		return func(ctx context.Context, id int64, o order) error {
			tx, err := sqlite.Tx(ctx) // opened now, committed when the handler has returned nil
			if err == nil {
				_, err = tx.ExecContext(ctx, chargeTable)
			}
			if err == nil {
				_, err = tx.ExecContext(ctx, chargeRow, id, o.Item, o.Amount)
			}
			return err
		}
	}
	if _, ok := store.As[*postgres.Store](s); ok {
		return func(ctx context.Context, id int64, o order) error {
			tx, err := postgres.Tx(ctx)
			if err == nil {
				_, err = tx.Exec(ctx, chargeTableOnce)
			}
			if err == nil {
				_, err = tx.Exec(ctx, chargeRow, id, o.Item, o.Amount)
			}
			return err
		}
	}
	return func(ctx context.Context, _ int64, o order) error {
		log(ctx).Info("charged", "amount", o.Amount)
		return nil
	}
}
