// Postgres is a small web shop. An order and the task that confirms it are written in one
// transaction, and so are the confirmation, the stock that it takes and the e-mail that it
// schedules: whatever fails, no order is forgotten, none is confirmed twice, and no e-mail speaks
// of what was rolled back.
//
//	go run ./examples/postgres 'postgres://user:password@localhost/shop'
//
// It makes a schema shop_example for its tables, places some orders over HTTP, prints what became
// of them, and drops the schema.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// tables are the application's own. The store's are in a schema apart.
const tables = `
CREATE SCHEMA shop_example;
CREATE TABLE shop_example.stock (item text PRIMARY KEY, pieces int NOT NULL CHECK (pieces >= 0));
CREATE TABLE shop_example.orders (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL, confirmed boolean NOT NULL DEFAULT false);
INSERT INTO shop_example.stock VALUES ('lamp', 1), ('chair', 5);`

const cleanUp = `DROP SCHEMA IF EXISTS shop_example CASCADE; DROP SCHEMA IF EXISTS shop_example_tasks CASCADE`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: postgres URL, postgres://user:password@localhost/shop for one")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, os.Args[1], os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "postgres:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string, out io.Writer) (err error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, cleanUp+";"+tables); err != nil {
		return err
	}
	defer func() {
		_, dropped := pool.Exec(context.WithoutCancel(ctx), cleanUp)
		err = errors.Join(err, dropped)
	}()

	s, err := postgres.New(pool, postgres.Schema("shop_example_tasks"))
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return err
	}
	shop := &shop{pool: pool, store: s, client: client, sent: make(chan string, 10)}
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{Logger: slog.New(slog.DiscardHandler)},
		confirm.Handle(shop.confirm), mail.Handle(firefly.NoResult(shop.mail)))
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(working) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	return shop.day(ctx, out)
}

// day is a day of the shop: customers order, and get an answer each.
func (s *shop) day(ctx context.Context, out io.Writer) error {
	server := httptest.NewServer(http.HandlerFunc(s.order))
	defer server.Close()
	for _, item := range []string{"lamp", "chair", "lamp", "spoon"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(item))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return err
		}
		fmt.Fprintf(out, "a %s: %s\n", item, strings.TrimSpace(string(answer)))
		if response.StatusCode != http.StatusAccepted {
			continue
		}
		select {
		case sent := <-s.sent:
			fmt.Fprintln(out, "  mail:", sent)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var stock string
	const text = `SELECT string_agg(item || ' ' || pieces, ', ' ORDER BY item) FROM shop_example.stock`
	if err := s.pool.QueryRow(ctx, text).Scan(&stock); err != nil {
		return err
	}
	fmt.Fprintln(out, "stock:", stock)
	return nil
}
