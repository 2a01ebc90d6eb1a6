package crash

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

// A Failpoint is where a worker is killed, or stopped.
type Failpoint string

// The failpoints.
const (
	Nowhere    Failpoint = ""           // it lives
	Claimed    Failpoint = "claimed"    // with a batch just claimed, before the first handler
	Running    Failpoint = "running"    // in a handler, before it wrote anything
	InTx       Failpoint = "in-tx"      // in a handler's transaction, after its first write
	Staged     Failpoint = "staged"     // after a handler wrote its effect and scheduled its child, before it returns
	Settling   Failpoint = "settling"   // between a verdict that was sent and its answer
	Committing Failpoint = "committing" // between what commits a handler's effect and child, which was sent, and its answer
	Random     Failpoint = "random"     // at any time at which it holds tasks

	Paused   Failpoint = "paused"   // as InTx, if there is a transaction, but it is stopped, for longer than its lease, and goes on
	Trusting Failpoint = "trusting" // as Paused, but it relies on its lease all the same: only the store can stop it
)

const (
	envDSN     = "FIREFLY_CRASH_DSN"
	envPoint   = "FIREFLY_CRASH_POINT"
	envLedger  = "FIREFLY_CRASH_LEDGER"
	envWorkers = "FIREFLY_CRASH_WORKERS" // in the process; unset is one
	envLease   = "FIREFLY_CRASH_LEASE"
)

// Tasks that are hit by many kills must not fail for that.
var (
	parent = firefly.Declare[firefly.None, firefly.None]("crash.parent", firefly.MaxCrashes(1000))
	plain  = firefly.Declare[firefly.None, firefly.None]("crash.plain", firefly.MaxCrashes(1000))
	child  = firefly.Declare[int64, firefly.None]("crash.child", firefly.MaxCrashes(1000))
)

// quiet keeps what is tried again, as it should be, out of the tests.
var quiet = slog.New(slog.DiscardHandler)

// Main runs the tests, or if this process was started as a worker to be killed, that worker.
func Main(m *testing.M, open Opener) int {
	if os.Getenv(envDSN) == "" {
		return m.Run()
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends with the process that holds the other end
		die()
	}()
	if err := work(context.Background(), open); err != nil {
		fmt.Fprintln(os.Stderr, "crash worker:", err)
		return 1
	}
	return 0
}

// A victim is a worker process with the point at which it dies.
type victim struct {
	point   Failpoint
	effects Effects // may be nil
	client  *firefly.Client
	ledger  *os.File
	goesOn  chan struct{} // closed when handlers that pause may go on; nil if none does
}

func work(ctx context.Context, open Opener) error {
	s, effects, err := open(ctx, os.Getenv(envDSN))
	if err != nil {
		return err
	}
	v := &victim{point: Failpoint(os.Getenv(envPoint)), effects: effects}
	s = &dyingStore{Store: s, victim: v}
	if v.client, err = firefly.NewClient(s, firefly.ClientConfig{Logger: quiet}); err != nil {
		return err
	}
	if v.ledger, err = os.OpenFile(os.Getenv(envLedger), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	config := firefly.WorkerConfig{
		Concurrency: slots, Lease: span(os.Getenv(envLease)), Logger: quiet, Hooks: firefly.Hooks{Claimed: v.claimed, Ended: v.ended},
	}
	if v.point == Paused || v.point == Trusting {
		v.awaitSignal()
	}
	if v.point == Trusting {
		config.Lease = time.Hour // see dyingStore.ClaimDue
	}
	workers := make([]*firefly.Worker, max(1, number(os.Getenv(envWorkers))))
	for i := range workers {
		workers[i], err = firefly.NewWorker(s, config,
			parent.Handle(v.parent), plain.Handle(v.plain), child.Handle(func(context.Context, int64) (firefly.None, error) {
				return firefly.None{}, nil
			}))
		if err != nil {
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
	return <-ended
}

// span is what an environment variable says, zero if nothing.
func span(text string) time.Duration {
	d, _ := time.ParseDuration(text)
	return d
}

// number is what an environment variable says, zero if nothing.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// reach kills the process if this is the point.
func (v *victim) reach(point Failpoint) {
	if v.point == point {
		die()
	}
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

func (v *victim) claimed(n int, _ time.Duration) {
	if n > 0 {
		v.reach(Claimed)
	}
}

func (v *victim) ended(info firefly.Info, end firefly.End) {
	_ = note(v.ledger, "%s%d %d %s %d", endLine, os.Getpid(), info.Task.ID, end.Outcome, time.Now().UnixMicro())
}

// begin notes the start of a run in the ledger.
func (v *victim) begin(ctx context.Context) (id int64, err error) {
	info, _ := firefly.Attempt(ctx)
	err = note(v.ledger, "%s%d %d", startLine, info.Task.ID, info.Attempt)
	v.reach(Running)
	return info.Task.ID, err
}

func (v *victim) parent(ctx context.Context, _ firefly.None) (firefly.None, error) {
	id, err := v.begin(ctx)
	if err != nil {
		return firefly.None{}, err
	}
	if v.effects != nil {
		if err := v.effects.Write(ctx, id); err != nil {
			return firefly.None{}, err
		}
		v.reach(InTx)
	}
	if err := v.pause(id); err != nil {
		return firefly.None{}, err
	}
	_, err = child.Schedule(ctx, v.client, id)
	v.reach(Staged)
	return firefly.None{}, err
}

// pause waits, if this is the point, until the process is told to go on.
func (v *victim) pause(id int64) error {
	if v.goesOn == nil {
		return nil
	}
	err := note(v.ledger, "%s%d %d", pauseLine, os.Getpid(), id)
	<-v.goesOn
	return err
}

// awaitSignal lets the handlers that pause go on when the process is told to.
func (v *victim) awaitSignal() {
	v.goesOn = make(chan struct{})
	told := make(chan os.Signal, 1)
	signal.Notify(told, goOnSignal)
	go func() {
		<-told
		close(v.goesOn)
	}()
}

func (v *victim) plain(ctx context.Context, _ firefly.None) (firefly.None, error) {
	_, err := v.begin(ctx)
	select {
	case <-time.After(rand.N(20 * time.Millisecond)):
	case <-ctx.Done():
	}
	return firefly.None{}, err
}
