package firefly_test

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

var noop = firefly.Declare[AddArgs, int]("noop")

func benchClient(tb testing.TB, s store.Store) *firefly.Client {
	tb.Helper()
	c, err := firefly.NewClient(s, firefly.ClientConfig{Logger: quiet()})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// fill schedules n tasks.
func fill(tb testing.TB, c *firefly.Client, n int) {
	tb.Helper()
	calls := make([]firefly.AnyCall, n)
	for i := range calls {
		calls[i] = noop.Call(AddArgs{i, 1})
	}
	if err := c.ScheduleMany(tb.Context(), calls...); err != nil {
		tb.Fatal(err)
	}
}

// drain runs a worker until n tasks have ended.
func drain(tb testing.TB, s store.Store, n int, handler firefly.Handler) {
	tb.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	w, err := firefly.NewWorker(s, firefly.WorkerConfig{Logger: quiet(), Hooks: firefly.Hooks{
		Ended: func(firefly.Info, firefly.End) {
			if left.Add(-1) == 0 {
				cancel()
			}
		},
	}}, handler)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Run(ctx); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkDrain is the engine's ceiling: tasks that do nothing, on a store that costs little.
func BenchmarkDrain(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		b.StopTimer()
		s := memory.New()
		fill(b, benchClient(b, s), n)
		b.ReportAllocs()
		b.StartTimer()
		drain(b, s, n, noop.Handle(add))
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkTransaction drains tasks that each open their transaction and stage a child.
func BenchmarkTransaction(b *testing.B) {
	const n = 20_000
	for b.Loop() {
		b.StopTimer()
		s := memory.New()
		c := benchClient(b, s)
		fill(b, c, n)
		b.StartTimer()
		drain(b, s, n, noop.Handle(parent(c)))
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "tasks/s")
}

// parent opens its transaction and stages a child.
func parent(c *firefly.Client) func(ctx context.Context, in AddArgs) (int, error) {
	return func(ctx context.Context, in AddArgs) (int, error) {
		if _, err := store.AttemptTx(ctx); err != nil {
			return 0, err
		}
		_, err := child.Schedule(ctx, c, "kid")
		return in.A, err
	}
}

func BenchmarkSchedule(b *testing.B) {
	c := benchClient(b, memory.New())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := noop.Schedule(b.Context(), c, AddArgs{1, 2}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPickUp is the time from Schedule's call to the handler's, with an idle worker.
func BenchmarkPickUp(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) store.Store{
		"memory": func(*testing.B) store.Store { return memory.New() },
		"sqlite": func(b *testing.B) store.Store {
			b.Helper()
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "tasks.db"))
			if err != nil {
				b.Fatal(err)
			}
			return s
		},
	} {
		b.Run(name, func(b *testing.B) { benchPickUp(b, open(b)) })
	}
}

func benchPickUp(b *testing.B, s store.Store) {
	b.Helper()
	defer func() { _ = store.Close(s) }()
	c := benchClient(b, s)
	began := make(chan time.Time, 1)
	w, err := firefly.NewWorker(s, firefly.WorkerConfig{Logger: quiet()}, noop.Handle(func(context.Context, AddArgs) (int, error) {
		began <- time.Now()
		return 0, nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	var took []time.Duration
	for b.Loop() {
		called := time.Now()
		if _, err := noop.Schedule(b.Context(), c, AddArgs{}); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-began).Sub(called))
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	for _, percent := range []int{50, 90, 99} {
		at := took[len(took)*percent/100]
		b.ReportMetric(float64(at.Microseconds()), "p"+strconv.Itoa(percent)+"-us")
	}
}

// BenchmarkSchedule16 is sixteen producers at once.
func BenchmarkSchedule16(b *testing.B) {
	c := benchClient(b, memory.New())
	b.ReportAllocs()
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range 16 {
		wg.Go(func() {
			for range b.N / 16 {
				if _, err := noop.Schedule(b.Context(), c, AddArgs{i, 2}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
