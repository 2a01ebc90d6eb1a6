package main

import (
	"context"
	"errors"
	"time"
)

// A worker deletes what is past its retention about once a minute: what is taken rises and falls that often.
const (
	soakLook = 10 * time.Second // from one look at what is taken to the next
	soakLast = 2 * time.Minute  // in which the most that was taken counts
)

// soak schedules a thousand tasks a second for as long as it is told, to a worker that deletes what has
// ended ten minutes ago. What it takes should be the same at the end as at half time, if that is more
// than ten minutes in.
func soak(ctx context.Context, t *trial) (map[string]float64, error) {
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	var took times
	var heaps, disks []float64 // at half time, and at the end
	ticks, each := max(2, int(t.size.soak/tick)), max(1, int(float64(t.tasks())*tick.Seconds()))
	c, err := t.spend(ctx, func() error {
		stop, err := t.work(ctx, func(p params) { took.add(p.age()) })
		if err != nil {
			return err
		}
		for err == nil && len(heaps) < 2 {
			var heap, disk float64
			heap, disk, err = t.soakFor(ctx, ticks/2, each, func() float64 { return ownMemory() - float64(took.room()) })
			heaps, disks = append(heaps, heap), append(disks, disk)
		}
		if err == nil {
			err = until(ctx, func() (bool, error) { return took.len() == ticks/2*2*each, nil })
		}
		return errors.Join(err, stop())
	})
	if err != nil {
		return nil, err
	}
	m := map[string]float64{
		p50: took.milliseconds(.5), p99: took.milliseconds(.99), totalCPU: c.metrics(ticks * each)[totalCPU],
		heapEnd: heaps[1] / 1e6, heapGrown: over(heaps[1], heaps[0]) * 100,
		diskEnd: disks[1] / 1e6, diskGrown: over(disks[1], disks[0]) * 100,
	}
	return m, nil
}

// soakFor schedules tasks for so many ticks, and returns the most that is taken within soakLast of
// the end. The figures that are collected are no part of it, so the caller says what its memory is.
func (t *trial) soakFor(ctx context.Context, ticks, each int, memory func() float64) (heap, disk float64, err error) {
	look := func() error {
		u, err := t.backend.used(ctx)
		heap, disk = max(heap, memory()), max(disk, u.stored)
		return err
	}
	err = everyTick(ticks, func(i int) error {
		if left := ticks - i; left < int(soakLast/tick) && left%int(soakLook/tick) == 0 {
			if err := look(); err != nil {
				return err
			}
		}
		return t.insert(ctx, each, quickly)
	})
	return heap, disk, errors.Join(err, look())
}
