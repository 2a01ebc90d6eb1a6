package storefaults

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// Hear looks that a store hears what itself and others do, also after its connections were cut.
func Hear(t *testing.T, open Opener) {
	t.Helper()
	s := open.scene(t)
	for whose, store := range map[string]store.Full{"its own": s.through, "another's": s.direct} {
		t.Run(whose, func(t *testing.T) {
			UntilHeard(t, s.through, func() error { _, err := store.Insert(t.Context(), newTasks("q", 1)); return err })
		})
	}
	t.Run("a cancellation", func(t *testing.T) { UntilCancelHeard(t, s.through, s.direct) })
	s.proxy.CutAll()
	t.Run("after a cut", func(t *testing.T) { UntilCancelHeard(t, s.through, s.direct) })
}

// UntilHeard does something again and again until s has heard of the queue "q".
func UntilHeard(t *testing.T, s store.Waiter, again func() error) {
	t.Helper()
	until(t, s, again, func(store.Hint) bool { return true })
}

// UntilCancelHeard cancels running tasks there until it was heard here: a better proof, as whoever begins
// to listen may take that for a hint.
func UntilCancelHeard(t *testing.T, here, there store.Full) {
	t.Helper()
	var cancelled []int64
	until(t, here, func() error {
		if _, err := there.Insert(t.Context(), newTasks("q", 1)); err != nil {
			return err
		}
		tasks, err := there.ClaimDue(t.Context(), newClaim("q", 10))
		for i := 0; i < len(tasks) && err == nil; i++ {
			cancelled = append(cancelled, tasks[i].ID)
			_, err = there.Cancel(t.Context(), store.Filter{IDs: []int64{tasks[i].ID}}, 0)
		}
		return err
	}, func(hint store.Hint) bool {
		return slices.ContainsFunc(hint.Cancelled, func(id int64) bool { return slices.Contains(cancelled, id) })
	})
}

// until does something again and again until a hint that s gets is enough.
func until(t *testing.T, s store.Waiter, again func() error, enough func(store.Hint) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	hints := make(chan store.Hint)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for ctx.Err() == nil {
			if hint, err := s.Wait(ctx, []string{"q"}); err == nil {
				select {
				case hints <- hint:
				case <-ctx.Done():
				}
			}
		}
	})
	defer waiting.Wait()
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := again(); err != nil {
			t.Fatal(err)
		}
		select {
		case hint := <-hints:
			if enough(hint) {
				return
			}
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("nothing was heard")
		}
	}
}
