package main

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/fireflytasks/go-firefly/store/memory"
)

// inProcess is the store in memory: what it takes is what the engine does.
type inProcess struct{}

func newInProcess(context.Context) (backend, error) { return inProcess{}, nil }

func (inProcess) contenders() []contender {
	return []contender{
		{name: "Firefly", settings: fireflyInProcess, open: openInProcess},
		{}, // nobody else has one
		{name: "channel", settings: channelSettings, open: openChannel},
	}
}

// fireflyInProcess is fireflySettings without what takes a server, or more processes.
var fireflyInProcess = func() map[string][]setting {
	m := maps.Clone(fireflySettings)
	m["sustained"] = m["work"]
	m["wal"] = nil
	for _, n := range crowds {
		m[numbered("workers", n)] = nil
	}
	return m
}()

func openInProcess(context.Context) (system, error) {
	s := memory.New()
	return newFirefly(s, fireflyOn{finish: func(ctx context.Context, n int) error { return finishMany(ctx, s, n) }})
}

func (inProcess) about(context.Context) (about, error) { return about{"this process", 1}, nil }
func (inProcess) reset(context.Context) error          { return nil }
func (inProcess) settle(context.Context) error         { runtime.GC(); return nil }
func (inProcess) close()                               {}

func (inProcess) used(context.Context) (usage, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{stored: float64(m.HeapAlloc)}, nil
}

// channelSettings are what Go does where nothing is kept: goroutines that receive from a channel.
var channelSettings = map[string][]setting{
	"insert-1":    {{name: "1 goroutine", producers: 1}},
	"insert-16":   {{name: "16 goroutines", producers: 16}},
	"insert-bulk": {{name: "4 goroutines x 1,000", producers: 4, batch: 1000}},
	"drain":       {{name: "2 goroutines", workers: 2}, {name: "100 goroutines", workers: 100}},
}

type channelSystem struct {
	jobs chan params
	done atomic.Int64
}

func openChannel(context.Context) (system, error) {
	const room = 1 << 20
	return &channelSystem{jobs: make(chan params, room)}, nil
}

func (c *channelSystem) insert(ctx context.Context, jobs []job, _ setting) error {
	for _, j := range jobs {
		select {
		case c.jobs <- j.params:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (c *channelSystem) fill(context.Context, content, int) error { return errors.ErrUnsupported }

func (c *channelSystem) work(ctx context.Context, how setting, _ load, handle func(params)) (func() error, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range how.workers {
		wg.Go(func() {
			for {
				select {
				case p := <-c.jobs:
					handle(p)
					c.done.Add(1)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return func() error { cancel(); wg.Wait(); return nil }, nil
}

func (c *channelSystem) settled(_ context.Context, n int) (bool, error) {
	return c.done.Load() >= int64(n), nil
}

func (c *channelSystem) close() error { return nil }
