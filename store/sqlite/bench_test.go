package sqlite_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

func BenchmarkInsert(b *testing.B) {
	for _, batch := range []int{1, 100, 1000} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) {
			s := doors["Open"](b, filepath.Join(b.TempDir(), "tasks.db"))
			defer s.Close()
			n := store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: make([]byte, 100)}
			fresh := slices.Repeat([]store.NewTask{n}, batch)
			for b.Loop() {
				if _, err := s.Insert(b.Context(), slices.Clone(fresh)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}

func BenchmarkClaimAndComplete(b *testing.B) {
	for _, batch := range []int{1, 100, 1000} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) {
			s := doors["Open"](b, filepath.Join(b.TempDir(), "tasks.db"))
			defer s.Close()
			n := store.NewTask{Name: "n", Queue: "q", Encoding: "json", Params: make([]byte, 100)}
			fresh := slices.Repeat([]store.NewTask{n}, batch)
			for b.Loop() {
				b.StopTimer()
				if _, err := s.Insert(b.Context(), slices.Clone(fresh)); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				c := store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: batch, Lease: store.NewLeaseID(), For: time.Minute}
				tasks, err := s.ClaimDue(b.Context(), c)
				if err != nil || len(tasks) != batch {
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
			b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
