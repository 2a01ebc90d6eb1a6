package crash

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// A Failpoint is where a worker is killed.
type Failpoint string

// The failpoints.
const (
	Nowhere  Failpoint = ""         // it lives
	Claimed  Failpoint = "claimed"  // with a batch just claimed, before the first handler
	Running  Failpoint = "running"  // in a handler, before it wrote anything
	InTx     Failpoint = "in-tx"    // in a handler's transaction, after its first write
	Staged   Failpoint = "staged"   // after a handler wrote its effect and scheduled its child
	Settling Failpoint = "settling" // between a verdict or commit that was sent and its answer
	Random   Failpoint = "random"   // at any time at which it holds tasks
)

const (
	envDSN    = "FIREFLY_CRASH_DSN"
	envPoint  = "FIREFLY_CRASH_POINT"
	envLedger = "FIREFLY_CRASH_LEDGER"
)

// Tasks that are hit by many kills must not fail for that.
var (
	parent = firefly.Declare[firefly.None, firefly.None]("crash.parent", firefly.MaxCrashes(1000))
	plain  = firefly.Declare[firefly.None, firefly.None]("crash.plain", firefly.MaxCrashes(1000))
	child  = firefly.Declare[int64, firefly.None]("crash.child", firefly.MaxCrashes(1000))
)

// Main runs the tests, or if this process was started as a worker to be killed, that worker.
func Main(m *testing.M, open Opener) int {
	if os.Getenv(envDSN) == "" {
		return m.Run()
	}
	if err := work(context.Background(), open); err != nil {
		fmt.Fprintln(os.Stderr, "crash worker:", err)
		return 1
	}
	return 0
}

// A victim is a worker process with the point at which it dies.
type victim struct {
	point   Failpoint
	effects Effects
	client  *firefly.Client
	ledger  *os.File
}

func work(ctx context.Context, open Opener) error {
	s, effects, err := open(ctx, os.Getenv(envDSN))
	if err != nil {
		return err
	}
	v := &victim{point: Failpoint(os.Getenv(envPoint)), effects: effects}
	s = &dyingStore{Store: s, victim: v}
	if v.client, err = firefly.NewClient(s, firefly.ClientConfig{}); err != nil {
		return err
	}
	if v.ledger, err = os.OpenFile(os.Getenv(envLedger), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	w, err := firefly.NewWorker(s, firefly.WorkerConfig{
		Concurrency: 4, Lease: lease, Logger: slog.New(slog.DiscardHandler),
		Hooks: firefly.Hooks{Claimed: func(n int, _ time.Duration) {
			if n > 0 {
				v.reach(Claimed)
			}
		}},
	}, parent.Handle(v.parent), plain.Handle(v.plain), child.Handle(func(context.Context, int64) (firefly.None, error) {
		return firefly.None{}, nil
	}))
	if err != nil {
		return err
	}
	return w.Run(ctx)
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

// begin notes the start of a run in the ledger, which outlives the process.
func (v *victim) begin(ctx context.Context) (id int64, err error) {
	info, _ := firefly.Attempt(ctx)
	err = v.note("%s%d %d\n", startLine, info.Task.ID, info.Attempt)
	v.reach(Running)
	return info.Task.ID, err
}

func (v *victim) parent(ctx context.Context, _ firefly.None) (firefly.None, error) {
	id, err := v.begin(ctx)
	if err != nil {
		return firefly.None{}, err
	}
	if err := v.effects.Write(ctx, id); err != nil {
		return firefly.None{}, err
	}
	v.reach(InTx)
	_, err = child.Schedule(ctx, v.client, id)
	v.reach(Staged)
	return firefly.None{}, err
}

func (v *victim) plain(ctx context.Context, _ firefly.None) (firefly.None, error) {
	_, err := v.begin(ctx)
	select {
	case <-time.After(rand.N(20 * time.Millisecond)):
	case <-ctx.Done():
	}
	return firefly.None{}, err
}

// Lines of the ledger begin with one of these.
const (
	startLine  = "start "
	sentLine   = "sent "
	answerLine = "answered "
)

func (v *victim) note(format string, args ...any) error {
	_, err := fmt.Fprintf(v.ledger, format, args...)
	return err
}

// A dyingStore kills its process at a random moment of a call that settles something.
type dyingStore struct {
	store.Store
	victim *victim
}

// Unwrap lets the engine find the store's capabilities. The commits of transactions that it
// begins are caught as well: see Begin.
func (s *dyingStore) Unwrap() store.Store { return s.Store }

// settle makes a settling call, during which the process is killed if this is the point. The
// ledger tells whether the call was answered before.
func (s *dyingStore) settle(call func() error) error {
	if s.victim.point != Settling {
		return call()
	}
	if err := s.victim.note("%s\n", sentLine); err != nil {
		return err
	}
	time.AfterFunc(rand.N(2*time.Millisecond), die)
	err := call()
	return errors.Join(err, s.victim.note("%s\n", answerLine))
}

func (s *dyingStore) Complete(ctx context.Context, done []store.Completion) error {
	return s.settle(func() error { return s.Store.Complete(ctx, done) })
}

// Begin implements [store.Beginner].
func (s *dyingStore) Begin(ctx context.Context) (store.Tx, error) {
	tx, err := store.Begin(ctx, s.Store)
	if err != nil || s.victim.point != Settling {
		return tx, err
	}
	return &dyingTx{tx, s}, nil
}

type dyingTx struct {
	store.Tx
	store *dyingStore
}

// Unwrap lets the store's own helper find its transaction.
func (t *dyingTx) Unwrap() store.Writer { return t.Tx }

func (t *dyingTx) Commit(ctx context.Context) error {
	return t.store.settle(func() error { return t.Tx.Commit(ctx) })
}
