package ids_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/ids"
)

func places(n int) ([]int64, []*int64) {
	values, at := make([]int64, n), make([]*int64, n)
	for i := range values {
		at[i] = &values[i]
	}
	return values, at
}

func TestTakesFromEachRangeInTurn(t *testing.T) {
	var r ids.Ranges
	r.Add(1, 3)
	r.Add(11, 13)
	values, at := places(5)
	if left := r.Take(at); len(left) != 1 || left[0] != &values[4] {
		t.Fatalf("%d places are left, want the last", len(left))
	}
	if want := []int64{1, 2, 11, 12, 0}; !slices.Equal(values, want) {
		t.Fatalf("took %v, want %v", values, want)
	}
}

func TestGivesNoneTwice(t *testing.T) {
	var r ids.Ranges
	var wg sync.WaitGroup
	all := make([][]int64, 8)
	for i := range all {
		wg.Go(func() {
			values, at := places(1000)
			for first := int64(i)*100_000 + 1; len(at) > 0; first += 100 {
				if at = r.Take(at); len(at) > 0 {
					r.Add(first, first+100)
				}
			}
			all[i] = values
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	for _, values := range all {
		for _, id := range values {
			if seen[id] {
				t.Fatalf("%d was given twice", id)
			}
			seen[id] = true
		}
	}
}
