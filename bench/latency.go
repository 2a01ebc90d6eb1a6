package main

import (
	"context"
	"errors"
	"time"
)

// latency schedules a task every 20 milliseconds, to a worker that has nothing else to do.
func latency(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
	const settling, idling = 500 * time.Millisecond, 3 * time.Second
	n := size.of(500)
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	var took times
	stop, err := s.work(ctx, how, func(p params) { took.add(p.age()) })
	if err != nil {
		return nil, err
	}
	time.Sleep(settling)
	err = everyTick(n, func(i int) error { return s.insert(ctx, newParams(i)) })
	if err == nil {
		err = until(ctx, func() (bool, error) { return took.len() == n, nil })
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	time.Sleep(settling)
	idle, err := spend(ctx, b, func() error { time.Sleep(idling); return nil })
	m := map[string]float64{p50: took.milliseconds(.5), p99: took.milliseconds(.99)}
	m[idleCPU] = (idle.client + idle.server).Seconds() / idle.wall.Seconds() * 100
	return m, errors.Join(err, stop())
}

// everyTick calls f n times, every 20 milliseconds or at once if it is late.
func everyTick(n int, f func(i int) error) error {
	start := time.Now()
	for i := range n {
		time.Sleep(time.Until(start.Add(time.Duration(i) * tick)))
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

const tick = 20 * time.Millisecond

// sustained schedules tasks at a pace that the worker should keep up with.
func sustained(ctx context.Context, b backend, s system, how setting, size size) (map[string]float64, error) {
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	if how.warm > 0 {
		if _, err := loadAndDrain(ctx, b, s, how, how.warm); err != nil {
			return nil, err
		}
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
	}
	var took times
	ticks := size.of(int(20 * time.Second / tick))
	each := int(size.pace * tick.Seconds())
	c, err := spend(ctx, b, func() error {
		stop, err := s.work(ctx, how, func(p params) { took.add(p.age()) })
		if err != nil {
			return err
		}
		err = everyTick(ticks, func(int) error { return s.insertMany(ctx, each, quickly) })
		if err == nil {
			err = until(ctx, func() (bool, error) { return took.len() == ticks*each, nil })
		}
		return errors.Join(err, stop())
	})
	if err != nil {
		return nil, err
	}
	m := c.metrics(ticks * each)
	m[p50], m[p99] = took.milliseconds(.5), took.milliseconds(.99)
	return m, nil
}
