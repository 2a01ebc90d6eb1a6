package main

import (
	"context"
	"errors"
	"time"
)

// latency schedules a task every 20 milliseconds, to a worker that has nothing else to do.
func latency(ctx context.Context, t *trial) (map[string]float64, error) {
	const settling, idling = 500 * time.Millisecond, 3 * time.Second
	n := t.times()
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	var took times
	stop, err := t.work(ctx, func(p params) { took.add(p.age()) })
	if err != nil {
		return nil, err
	}
	time.Sleep(settling)
	err = everyTick(n, func(int) error { return t.insert(ctx, 1, t.how) })
	if err == nil {
		err = until(ctx, func() (bool, error) { return took.len() == n, nil })
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	time.Sleep(settling)
	idle, err := consume(ctx, t.backend, func() error { time.Sleep(idling); return nil })
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

// sustained schedules tasks at a pace that the worker should keep up with: so many thousand ticks.
func sustained(ctx context.Context, t *trial) (map[string]float64, error) {
	if err := t.warmUp(ctx); err != nil {
		return nil, err
	}
	var took times
	ticks, each := t.times(), max(1, int(t.size.pace*tick.Seconds()))
	c, err := t.spend(ctx, func() error {
		stop, err := t.work(ctx, func(p params) { took.add(p.age()) })
		if err != nil {
			return err
		}
		err = everyTick(ticks, func(int) error { return t.insert(ctx, each, quickly) })
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

// warmUp leaves the tables as the setting wants them: vacuumed while empty, or after use.
func (t *trial) warmUp(ctx context.Context) error {
	if err := t.settle(ctx); err != nil || t.how.warm == 0 {
		return err
	}
	if _, err := t.loadAndDrain(ctx, t.how.warm); err != nil {
		return err
	}
	return t.settle(ctx)
}

// pace returns half of the rate at which the peer runs tasks, for the case sustained, or a tenth of
// Firefly's where there is no peer.
func pace(ctx context.Context, b backend, s size) (float64, error) {
	bench, err := benchmarkNamed("drain")
	if err != nil {
		return 0, err
	}
	one, share := b.contenders()[1], .5
	if one.name == "" {
		one, share = b.contenders()[0], .1
	}
	s.scale /= 2
	m, err := once(ctx, b, one, bench, one.settingsOf(bench)[0], s)
	return m[rate] * share, err
}
