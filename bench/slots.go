package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// slots measures what a worker keeps in memory for each task that it runs, while all of them wait.
func slots(ctx context.Context, t *trial) (map[string]float64, error) {
	n := t.times()
	if err := t.fill(ctx, quickly, n); err != nil {
		return nil, err
	}
	before := ownMemory()
	t.how.workers = n / max(1, t.how.servers)
	n = t.how.workers * max(1, t.how.servers)
	var running atomic.Int64
	all, end := make(chan struct{}), make(chan struct{})
	stop, err := t.work(ctx, func(params) {
		if running.Add(1) == int64(n) {
			close(all)
		}
		<-end
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-all:
	case <-ctx.Done():
		err = fmt.Errorf("%d of %d tasks run at once: %w", running.Load(), n, ctx.Err())
	}
	used := ownMemory() - before
	close(end)
	return map[string]float64{slot: used / float64(n)}, errors.Join(err, stop())
}

// ownMemory is what this process uses for objects and stacks, in bytes.
func ownMemory() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) + float64(m.StackInuse)
}
