package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// cost is what a span of work took.
type cost struct {
	wall, client, server time.Duration
	journal, trips, heap float64
}

// metrics returns the cost of each of n tasks.
func (c cost) metrics(n int) map[string]float64 {
	return map[string]float64{
		rate:      float64(n) / c.wall.Seconds(),
		clientCPU: c.client.Seconds() / float64(n) * 1000,
		serverCPU: c.server.Seconds() / float64(n) * 1000,
		totalCPU:  (c.client + c.server).Seconds() / float64(n) * 1000,
		journal:   c.journal / float64(n),
		trips:     c.trips / float64(n) * 1000,
		heap:      c.heap / 1e6,
	}
}

// spend measures what f costs, its heap included. In a CPU profile it is what has the tag measured.
func spend(ctx context.Context, b backend, f func() error) (cost, error) {
	peak := watchHeap()
	c, err := consume(ctx, b, f)
	c.heap = peak()
	return c, err
}

// consume is spend without a look at the heap, which would be most of what an idle process does.
func consume(ctx context.Context, b backend, f func() error) (cost, error) {
	before, err := b.used(ctx)
	if err != nil {
		return cost{}, err
	}
	began, start := ownCPU(), time.Now()
	pprof.Do(ctx, pprof.Labels("measured", "yes"), func(context.Context) { err = f() })
	wall, client := time.Since(start), ownCPU()-began
	after, err2 := b.used(ctx)
	return cost{
		wall: wall, client: client, server: after.cpu - before.cpu,
		journal: after.journal - before.journal, trips: after.trips - before.trips,
	}, errors.Join(err, err2)
}

// rest waits until processes have done next to nothing for half a second.
func rest(ctx context.Context, pids []int) error {
	const span, nothing = 500 * time.Millisecond, 10 * time.Millisecond
	for before := familyCPU(pids); ; {
		select {
		case <-time.After(span):
		case <-ctx.Done():
			return ctx.Err()
		}
		now := familyCPU(pids)
		if now-before <= nothing {
			return nil
		}
		before = now
	}
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// familyCPU returns what processes have used: a server, and its children. What children used that
// have ended counts with the server, the first.
func familyCPU(pids []int) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100
	var ticks int64
	for i, pid := range pids {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			continue // it has just ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		const utime, stime, cstime = 11, 12, 14 // behind the name
		last := stime
		if i == 0 {
			last = cstime
		}
		for _, f := range fields[utime : last+1] {
			n, _ := strconv.ParseInt(f, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}

// times collects durations.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// room is how many bytes t takes.
func (t *times) room() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return cap(t.all) * 8
}

func (t *times) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// milliseconds returns the duration that a share of all is not longer than.
func (t *times) milliseconds(share float64) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.all)
	return t.all[int(share*float64(len(t.all)-1))].Seconds() * 1000
}

// median returns the middle, or the mean of the two in the middle. It is 0 of nothing.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
