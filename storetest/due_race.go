package storetest

import (
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

func setDueRacesWithClaims(t *T) {
	const n = 60
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = newTask()
	}
	ids := t.insert(tasks...)
	all := store.Filter{IDs: ids}
	runs := make(chan int64, 2*n)
	claim := func() bool {
		got, err := t.store.ClaimDue(t.Context(), newClaim(3))
		done := make([]store.Completion, len(got))
		for i := range got {
			done[i] = store.Completion{ID: got[i].ID, Lease: got[i].Lease}
		}
		if err == nil {
			err = t.store.Complete(t.Context(), done)
		}
		if err != nil {
			t.Errorf("claim and complete: %v", err)
		}
		for i := range got {
			runs <- got[i].ID
		}
		return len(got) > 0 && err == nil
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range n / 9 {
				claim()
			}
		})
	}
	for i := range 10 {
		when := store.When{}
		if i%3 == 2 {
			when.Delay = time.Hour
		}
		if _, err := as[store.DueSetter](t).SetDue(t.Context(), all, when, 0); err != nil {
			t.Errorf("set due: %v", err)
		}
	}
	wg.Wait()
	_, err := as[store.DueSetter](t).SetDue(t.Context(), all, store.When{}, 0)
	t.ok(err, "set due")
	for claim() {
	}
	close(runs)
	seen := map[int64]int{}
	for id := range runs {
		seen[id]++
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("task %d ran %d times", id, seen[id])
		}
	}
}
