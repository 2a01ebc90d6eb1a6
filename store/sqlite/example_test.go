package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// An order and the task that charges it are one transaction; so are the charge, its row, and the
// completion of the task.
func Example() {
	dir, err := os.MkdirTemp("", "firefly")
	check(err)
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+
		"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(full)")
	check(err)
	defer db.Close()
	_, err = db.ExecContext(ctx, "CREATE TABLE orders (id INTEGER PRIMARY KEY, charged INTEGER DEFAULT 0)")
	check(err)

	s, err := sqlite.New(ctx, db)
	check(err)
	defer s.Close()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	check(err)
	charge := firefly.Define("shop.charge", func(ctx context.Context, order int64) (string, error) {
		tx, err := sqlite.Tx(ctx) // this run's transaction, opened now
		if err != nil {
			return "", err
		}
		_, err = tx.ExecContext(ctx, "UPDATE orders SET charged = charged + 1 WHERE id = ?", order)
		return "paid", err
	})
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{Logger: slog.New(slog.DiscardHandler)}, charge)
	check(err)
	ended := make(chan error)
	go func() { ended <- worker.Run(ctx) }()

	tx, err := db.BeginTx(ctx, nil)
	check(err)
	_, err = tx.ExecContext(ctx, "INSERT INTO orders (id) VALUES (7)")
	check(err)
	h, err := charge.Schedule(ctx, client.In(s.In(tx)), 7) // exists if and only if tx commits
	check(err)
	check(tx.Commit())

	receipt, err := h.Wait(ctx)
	check(err)
	var charged int
	check(db.QueryRowContext(ctx, "SELECT charged FROM orders WHERE id = 7").Scan(&charged))
	fmt.Println(receipt, charged)

	cancel()
	check(<-ended)
	// Output: paid 1
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
