// Mongo is a small shop. An order and the task that confirms it are written in one transaction, and
// so are the confirmation, the stock that it takes and the e-mail that it schedules: whatever fails,
// no order is forgotten, none is confirmed twice, and no e-mail speaks of what was rolled back.
//
//	go run ./examples/mongo 'mongodb://localhost:27017/?replicaSet=rs0'
//
// It makes a database shop_example, places some orders, prints what became of them, and drops the
// database. Transactions need a replica set, of one member at least, or a sharded cluster; on a
// stand-alone server it says so and ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

const lamp, chair = "lamp", "chair"

// goods are in stock in the morning.
var goods = []product{{lamp, 1}, {chair, 5}}

var errStandAlone = errors.New("transactions need a replica set, and this server stands alone: " +
	"start it with --replSet, one member is enough")

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mongo URL, mongodb://localhost:27017/?replicaSet=rs0 for one")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, os.Args[1], os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mongo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string, out io.Writer) (err error) {
	conn, err := driver.Connect(options.Client().ApplyURI(url))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Disconnect(context.WithoutCancel(ctx))) }()
	db := conn.Database("shop_example")
	if err := stockUp(ctx, db); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Drop(context.WithoutCancel(ctx))) }()

	s, err := mongo.New(db, mongo.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	nothing := func(context.Context, store.Writer) error { return nil }
	if err := s.WithTx(ctx, nothing); errors.Is(err, errors.ErrUnsupported) {
		return errStandAlone
	} else if err != nil {
		return err
	}
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return err
	}
	shop := &shop{
		orders: db.Collection("orders"), stock: db.Collection("stock"),
		store: s, client: client, sent: make(chan string, 10),
	}
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

// stockUp makes the application's own collections. Not every server makes one in a transaction, so
// they are there before the first.
func stockUp(ctx context.Context, db *driver.Database) error {
	if err := db.Drop(ctx); err != nil {
		return err
	}
	if err := db.CreateCollection(ctx, "orders"); err != nil {
		return err
	}
	_, err := db.Collection("stock").InsertMany(ctx, goods)
	return err
}

// day is a day of the shop: customers order, and wait for what becomes of it.
func (s *shop) day(ctx context.Context, out io.Writer) error {
	for _, item := range []string{lamp, chair, lamp, "spoon"} {
		h, err := s.order(ctx, item)
		if errors.Is(err, driver.ErrNoDocuments) {
			fmt.Fprintf(out, "a %s: we have no such thing\n", item)
			continue
		}
		if err != nil {
			return err
		}
		answer, err := h.Wait(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "a %s: %s\n", item, answer)
		select {
		case sent := <-s.sent:
			fmt.Fprintln(out, "  mail:", sent)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.report(ctx, out)
}

// report reads back what the transactions have left.
func (s *shop) report(ctx context.Context, out io.Writer) error {
	confirmed, err := s.orders.CountDocuments(ctx, bson.M{"confirmed": true})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "confirmed orders:", confirmed)
	for _, p := range goods {
		var left product
		if err := s.stock.FindOne(ctx, byID(p.Item)).Decode(&left); err != nil {
			return err
		}
		fmt.Fprintf(out, "in stock: %s, %d\n", left.Item, left.Pieces)
	}
	return nil
}
