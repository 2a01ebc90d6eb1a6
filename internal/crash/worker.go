package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

// Orders are what a worker process is told, as JSON in an environment variable.
type orders struct {
	DSN     string        `json:"dsn"`
	Point   Failpoint     `json:"point"`
	Ledger  string        `json:"ledger"`  // a file's name
	Workers int           `json:"workers"` // in the process
	Slots   int           `json:"slots"`   // of each worker
	Lease   time.Duration `json:"lease"`   // that they claim for
	Brisk   bool          `json:"brisk"`   // plain tasks take no time
	Skew    time.Duration `json:"skew"`    // by which the process's clock is wrong
}

const envOrders = "FIREFLY_CRASH_ORDERS"

// Main runs the tests. If this process was started as a worker to be killed it runs that worker, and does
// not return.
func Main(m *testing.M, open Opener) int {
	text, ordered := os.LookupEnv(envOrders)
	if !ordered {
		return m.Run()
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends with the process that holds the other end
		die()
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	var o orders
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.work(ctx, open, die)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
	return 0
}

// work runs workers until ctx ends, or they die.
func (o orders) work(ctx context.Context, open Opener, die func()) error {
	s, effects, err := open(ctx, o.DSN)
	if err != nil {
		return err
	}
	v := &victim{orders: o, effects: effects, die: die}
	s = &dyingStore{Store: s, victim: v}
	if v.client, err = firefly.NewClient(s, firefly.ClientConfig{Logger: quiet}); err != nil {
		return err
	}
	if v.ledger, err = os.OpenFile(o.Ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	config := firefly.WorkerConfig{
		Concurrency: o.Slots, Lease: o.Lease, Logger: quiet, Hooks: firefly.Hooks{Claimed: v.claimed, Ended: v.ended},
	}
	if o.Point == Paused || o.Point == Trusting {
		v.awaitSignal()
	}
	if o.Point == Trusting {
		config.Lease = time.Hour // see dyingStore.ClaimDue
	}
	workers := make([]*firefly.Worker, max(1, o.Workers))
	for i := range workers {
		if workers[i], err = firefly.NewWorker(s, config, v.handlers()...); err != nil {
			return err
		}
	}
	if err := note(v.ledger, "%s%d", readyLine, os.Getpid()); err != nil {
		return err
	}
	ended := make(chan error, len(workers))
	for _, w := range workers {
		go func() { ended <- w.Run(ctx) }()
	}
	for range workers {
		err = errors.Join(err, <-ended)
	}
	return err
}

// die is a kill -9 by its own hand: nothing is flushed, closed or said.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(fmt.Sprintf("cannot kill itself: %v", err))
	}
	select {}
}
