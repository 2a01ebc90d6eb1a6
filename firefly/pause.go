package firefly

import (
	"context"
	"time"
)

// A pause is a wait that doubles from time to time.
type pause struct{ shortest, longest, next time.Duration }

func newPause(shortest, longest time.Duration) *pause {
	return &pause{shortest, longest, shortest}
}

// reset starts again from the shortest wait.
func (p *pause) reset() { p.next = p.shortest }

// take returns the next wait.
func (p *pause) take() time.Duration {
	d := p.next
	p.next = min(2*d, p.longest)
	return d
}

// wait waits for the next wait, or until ctx ends, which is its error.
func (p *pause) wait(ctx context.Context) error {
	timer := time.NewTimer(p.take())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
