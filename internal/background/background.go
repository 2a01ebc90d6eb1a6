// Package background runs what a store has running beside its calls, until the store is closed.
package background

import (
	"context"
	"sync"
)

// A Group is what runs beside the calls of one store. The zero Group is not ready: see [New]. Its
// methods may be called concurrently.
type Group struct {
	mu   sync.Mutex
	done chan struct{}
	all  sync.WaitGroup
}

// New returns a group that is open.
func New() *Group { return &Group{done: make(chan struct{})} }

// Go runs fn on a goroutine of its own, with a context that ends with Close; not at all after that.
func (g *Group) Go(fn func(ctx context.Context)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Closed() {
		return
	}
	g.all.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			select {
			case <-g.done:
				cancel()
			case <-ctx.Done():
			}
		}()
		fn(ctx)
		cancel()
		<-stopped
	})
}

// Close ends the contexts and waits for all that runs. It returns false if it was called before.
func (g *Group) Close() (first bool) {
	g.mu.Lock()
	if first = !g.Closed(); first {
		close(g.done)
	}
	g.mu.Unlock()
	g.all.Wait()
	return first
}

// Done is closed when Close is called.
func (g *Group) Done() <-chan struct{} { return g.done }

// Closed reports whether Close was called.
func (g *Group) Closed() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}
