package crash

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
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

// Tasks that are hit by many kills must not fail for that. One that kills its worker must, the third time.
var (
	parent = firefly.Declare[firefly.None, firefly.None]("crash.parent", firefly.MaxCrashes(1000))
	plain  = firefly.Declare[firefly.None, firefly.None]("crash.plain", firefly.MaxCrashes(1000))
	child  = firefly.Declare[int64, firefly.None]("crash.child", firefly.MaxCrashes(1000))
	poison = firefly.Declare[firefly.None, firefly.None]("crash.poison", firefly.MaxCrashes(2))
)

// quiet keeps what is tried again, as it should be, out of the tests.
var quiet = slog.New(slog.DiscardHandler)

// A victim is a worker process with the point at which it dies.
type victim struct {
	orders

	effects Effects // may be nil
	die     func()
	client  *firefly.Client
	ledger  *os.File
	goesOn  chan struct{} // closed when handlers that pause may go on; nil if none does
}

func (v *victim) handlers() []firefly.Handler {
	return []firefly.Handler{
		parent.Handle(v.parent), plain.Handle(v.plain),
		child.Handle(func(context.Context, int64) (firefly.None, error) { return firefly.None{}, nil }),
		poison.Handle(func(context.Context, firefly.None) (firefly.None, error) { v.die(); return firefly.None{}, nil }),
	}
}

// reach kills the process if this is the point.
func (v *victim) reach(point Failpoint) {
	if v.Point == point {
		die()
	}
}

func (v *victim) claimed(n int, _ time.Duration) {
	if n > 0 {
		v.reach(Claimed)
	}
}

func (v *victim) ended(info firefly.Info, end firefly.End) {
	_ = note(v.ledger, "%s%d %d %s %d", endLine, os.Getpid(), info.Task.ID, end.Outcome, time.Now().Add(-v.Skew).UnixMicro())
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

func (v *victim) plain(ctx context.Context, _ firefly.None) (firefly.None, error) {
	_, err := v.begin(ctx)
	if v.Brisk {
		return firefly.None{}, err
	}
	select {
	case <-time.After(rand.N(20 * time.Millisecond)):
	case <-ctx.Done():
	}
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
