package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// patience is how long a measurement may take.
const patience = 5 * time.Minute

// quickly is the way to insert tasks that are not measured.
var quickly = setting{producers: 4, batch: 1000}

func drainAll(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
	n := size.of(100_000)
	c, err := loadAndDrain(ctx, b, s, how, n)
	return c.metrics(n), err
}

func drainByCrowd(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
	n := size.of(20_000)
	c, err := loadAndDrain(ctx, b, s, how, n)
	return c.metrics(n), err
}

// loadAndDrain measures how n tasks that are there already are run.
func loadAndDrain(ctx context.Context, b backend, s system, how setting, n int) (cost, error) {
	if err := load(ctx, s, quickly, n); err != nil {
		return cost{}, err
	}
	if err := b.settle(ctx); err != nil {
		return cost{}, err
	}
	return drain(ctx, b, s, how, n)
}

// drain measures from the start of a worker until the last of n tasks is marked as completed.
func drain(ctx context.Context, b backend, s system, how setting, n int) (cost, error) {
	var left atomic.Int64
	left.Store(int64(n))
	ran := make(chan struct{})
	var stop func() error
	c, err := spend(ctx, b, func() (err error) {
		stop, err = s.work(ctx, how, func(params) {
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
		return until(ctx, func() (bool, error) { return s.settled(ctx, n) })
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

// life measures what is written for a task from its insertion to its completion.
func life(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
	n := size.of(50_000)
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	in, err := spend(ctx, b, func() error { return load(ctx, s, quickly, n) })
	if err != nil {
		return nil, err
	}
	out, err := drain(ctx, b, s, how, n)
	in.journal += out.journal
	return in.metrics(n), err
}

// drainBeside drains with empty tables and then beside a million of other tasks.
func drainBeside(what content) func(context.Context, backend, system, setting, size) (map[string]float64, error) {
	return func(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
		n := size.of(50_000)
		alone, err := loadAndDrain(ctx, b, s, how, n)
		if err != nil {
			return nil, err
		}
		if err := s.fill(ctx, what, size.of(1_000_000)); err != nil {
			return nil, err
		}
		beside, err := loadAndDrain(ctx, b, s, how, n)
		m := beside.metrics(n)
		m[kept] = m[rate] / alone.metrics(n)[rate] * 100
		return m, err
	}
}
