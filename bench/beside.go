package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// drainBeside drains with empty tables and then beside other tasks.
func drainBeside(ctx context.Context, t *trial) (map[string]float64, error) {
	return t.beside(ctx, func() (cost, error) { return t.loadAndDrain(ctx, t.tasks()) })
}

func (t *trial) beside(ctx context.Context, drain func() (cost, error)) (map[string]float64, error) {
	n := t.tasks()
	alone, err := t.loadAndDrain(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := t.system.fill(ctx, t.load.beside, t.size.of(t.load.others)); err != nil {
		return nil, err
	}
	c, err := drain()
	m := c.metrics(n)
	m[kept] = m[rate] / alone.metrics(n)[rate] * 100
	return m, err
}

// A sweeper deletes finished tasks, a thousand at most, by the same call as its retention.
type sweeper interface {
	sweep(ctx context.Context) (deleted int, err error)
}

// drainSwept drains while finished tasks are deleted, at the pace of Firefly's retention.
func drainSwept(ctx context.Context, t *trial) (map[string]float64, error) {
	s, ok := t.system.(sweeper)
	if !ok {
		return nil, fmt.Errorf("%T has no retention that can be called: %w", t.system, errors.ErrUnsupported)
	}
	return t.beside(ctx, func() (c cost, err error) {
		ctx, cancel := context.WithCancel(ctx)
		swept := make(chan error)
		go func() { swept <- sweepAll(ctx, s, t.size.of(t.load.others)) }()
		c, err = t.loadAndDrain(ctx, t.tasks())
		cancel()
		return c, errors.Join(err, <-swept)
	})
}

// sweepAll deletes n tasks, or as many as it can until ctx ends.
func sweepAll(ctx context.Context, s sweeper, n int) error {
	between := time.NewTicker(100 * time.Millisecond)
	defer between.Stop()
	for n > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-between.C:
		}
		deleted, err := s.sweep(context.WithoutCancel(ctx))
		if err != nil || deleted == 0 {
			return err
		}
		n -= deleted
	}
	return nil
}
