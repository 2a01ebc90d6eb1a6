package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// quickly is the way to insert tasks that are not measured.
var quickly = setting{producers: 4, batch: 1000}

// drainAll measures how tasks that are there already are run.
func drainAll(ctx context.Context, t *trial) (map[string]float64, error) {
	c, err := t.loadAndDrain(ctx, t.tasks())
	return c.metrics(t.tasks()), err
}

func (t *trial) loadAndDrain(ctx context.Context, n int) (cost, error) {
	if err := t.fill(ctx, quickly, n); err != nil {
		return cost{}, err
	}
	if err := t.settle(ctx); err != nil {
		return cost{}, err
	}
	return t.drain(ctx, n)
}

// drain measures from the start of a worker until the last of n tasks is marked as completed.
func (t *trial) drain(ctx context.Context, n int) (cost, error) {
	var left atomic.Int64
	left.Store(int64(n))
	ran := make(chan struct{})
	var stop func() error
	c, err := t.spend(ctx, func() (err error) {
		stop, err = t.work(ctx, func(params) {
			if left.Add(-1) == 0 {
				close(ran)
			}
		})
		if err != nil {
			return err
		}
		select {
		case <-ran:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d tasks were not run: %w", left.Load(), n, ctx.Err())
		}
		return until(ctx, func() (bool, error) { return t.system.settled(ctx, n) })
	})
	if stop != nil {
		err = errors.Join(err, stop())
	}
	return c, err
}

// until waits for what becomes true.
func until(ctx context.Context, is func() (bool, error)) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := is(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// life measures tasks from their insertion, in bulk, to their completion. The rate is that at which
// they run when all are there.
func life(ctx context.Context, t *trial) (map[string]float64, error) {
	n := t.tasks()
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	in, err := t.spend(ctx, func() error { return t.fill(ctx, quickly, n) })
	if err != nil {
		return nil, err
	}
	out, err := t.drain(ctx, n)
	inserted := in.metrics(n)[rate]
	out.client, out.server = out.client+in.client, out.server+in.server
	out.journal, out.trips = out.journal+in.journal, out.trips+in.trips
	m := out.metrics(n)
	m[loaded] = inserted
	return m, err
}
