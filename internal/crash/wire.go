package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/internal/cut"
)

// A network is what lies between a store and those who call it, and can be disturbed: a [cut.Proxy], or
// a [wire].
type network interface {
	CutAfter(m cut.Moment, n int)
	Spare()
	Cuts() int
	CutAll()
	Interrupt()
	Slow(d time.Duration)
	Mend()
}

var (
	errCut     = errors.New("the connection was cut")
	errSevered = errors.New("this worker is dead")
)

// A wire stands for the network to a store that is in this process. Each call is a request, and a reply.
type wire struct {
	mu     sync.Mutex
	next   cut.Moment
	spare  int
	cuts   int
	delays time.Duration
	open   chan struct{} // closed when things get through again; nil if they do
	lost   chan struct{} // closed when what is under way is lost
}

func newWire() *wire { return &wire{lost: make(chan struct{})} }

func (w *wire) CutAfter(m cut.Moment, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.spare = m, n
}

func (w *wire) Spare() { w.CutAfter(0, 0) }

func (w *wire) Cuts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts
}

func (w *wire) CutAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.lost)
	w.lost = make(chan struct{})
}

func (w *wire) Interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = make(chan struct{})
	}
}

func (w *wire) Slow(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delays = d
}

func (w *wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open != nil {
		close(w.open)
	}
	w.open, w.delays = nil, 0
}

// travel takes as long as a request or a reply is under way, and fails if it does not arrive.
func (w *wire) travel(ctx context.Context, m cut.Moment) error {
	w.mu.Lock()
	open, lost, delay := w.open, w.lost, time.Duration(0)
	if w.delays > 0 {
		delay = rand.N(w.delays)
	}
	hit := w.next == m
	if hit && w.spare > 0 {
		w.spare--
		hit = false
	}
	if hit {
		w.next = 0
		w.cuts++
	}
	w.mu.Unlock()
	if hit {
		return errCut
	}
	if open != nil {
		select {
		case <-open:
		case <-lost:
			return errCut
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// A gate is what all calls of a worker go through. It lets them until it is closed, or severed for good.
type gate struct {
	mu      sync.Mutex
	severed bool
	open    chan struct{} // nil if it is
}

func (g *gate) sever() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.severed = true
	g.openUp()
}

func (g *gate) stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = make(chan struct{})
	}
	return nil
}

func (g *gate) goOn() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.openUp()
	return nil
}

func (g *gate) openUp() {
	if g.open != nil {
		close(g.open)
		g.open = nil
	}
}

// pass waits until the gate is open. A worker that is stopped does not know that its context has ended.
func (g *gate) pass() error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	if open != nil {
		<-open
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.severed {
		return errSevered
	}
	return nil
}
