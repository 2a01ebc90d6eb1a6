package ids_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/ids"
	"github.com/fireflytasks/go-firefly/store"
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

// Tasks that have ids keep them, and those that are not valid get none; others may take several fetches.
func TestNumber(t *testing.T) {
	var r ids.Ranges
	var fetched []int
	tasks := []store.NewTask{{}, {ID: 7}, {}, {}, {}}
	fetch := func(n int) error {
		r.Add(int64(10*n), int64(10*n)+2) // fewer than asked for
		fetched = append(fetched, n)
		return nil
	}
	if err := r.Number(tasks, []int{0, 1, 3, 4}, fetch); err != nil {
		t.Fatal(err)
	}
	got := make([]int64, len(tasks))
	for i := range tasks {
		got[i] = tasks[i].ID
	}
	if want := []int64{30, 7, 0, 31, 10}; !slices.Equal(got, want) || !slices.Equal(fetched, []int{3, 1}) {
		t.Errorf("ids are %v after fetches of %v, want %v", got, fetched, want)
	}
	failure := errors.New("no answer")
	err := r.Number(make([]store.NewTask, 2), []int{0, 1}, func(int) error { return failure })
	if !errors.Is(err, failure) || !store.IsDefinite(err) {
		t.Errorf("error %v, want a definite one of the fetch", err)
	}
}
