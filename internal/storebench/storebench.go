// Package storebench measures what a store does for the engine, without the engine: batches that
// are inserted, claimed and completed. Every store's package runs the same.
package storebench

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// An Opener opens an empty store, and closes it when the benchmark ends.
type Opener func(b *testing.B) store.Store

// batch returns new tasks with 100 bytes of arguments.
func batch(n int) []store.NewTask {
	task := store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: []byte(`"` + string(slices.Repeat([]byte("x"), 98)) + `"`)}
	return slices.Repeat([]store.NewTask{task}, n)
}

// Insert measures insertions in batches of the given sizes.
func Insert(b *testing.B, open Opener, sizes ...int) {
	b.Helper()
	each(b, sizes, func(b *testing.B, size int) {
		b.Helper()
		s, fresh := open(b), batch(size)
		for b.Loop() {
			insert(b, s, fresh)
		}
	})
}

// ClaimAndComplete measures claims of the given sizes, and the completion of what they return.
func ClaimAndComplete(b *testing.B, open Opener, sizes ...int) {
	b.Helper()
	each(b, sizes, func(b *testing.B, size int) {
		b.Helper()
		s, fresh := open(b), batch(size)
		for b.Loop() {
			b.StopTimer()
			insert(b, s, fresh)
			b.StartTimer()
			tasks, err := s.ClaimDue(b.Context(), store.Claim{
				Queues: []string{"q"}, Names: []string{"n"}, Limit: size, Lease: store.NewLeaseID(), For: time.Minute,
			})
			if err != nil || len(tasks) != size {
				b.Fatalf("claimed %d, error %v", len(tasks), err)
			}
			done := make([]store.Completion, len(tasks))
			for i, t := range tasks {
				done[i] = store.Completion{ID: t.ID, Lease: t.Lease, Returned: []byte(`4`)}
			}
			if err := s.Complete(b.Context(), done); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func each(b *testing.B, sizes []int, measure func(b *testing.B, size int)) {
	b.Helper()
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			measure(b, size)
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}

func insert(b *testing.B, s store.Store, fresh []store.NewTask) {
	b.Helper()
	if _, err := s.Insert(b.Context(), slices.Clone(fresh)); err != nil {
		b.Fatal(err)
	}
}
