package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var adminWaitCases = []testCase{
	{
		name: "WaitWakesOnInsert", rule: 8, needs: needs(waiter), run: waitWakesOnInsert,
		says: "Wait returns when a task is inserted; a hint may be lost, but not every one",
	},
	{
		name: "WaitWakesOnSetDue", rule: 8, needs: needs(waiter, dueSetter), run: waitWakesOnSetDue,
		says: "Wait returns when a task is made due; a hint may be lost, but not every one",
	},
	{
		name: "WaitEndsWithContext", rule: 19, needs: needs(waiter), run: waitEndsWithContext,
		says: "Wait returns its context's error when that ends",
	},
	{
		name: "WaitHearsCancel", rule: 12, needs: needs(waiter, canceler), run: waitHearsCancel,
		says: "Wait names running tasks that are to be cancelled; a hint may be lost, but not every one",
	},
}

// patience bounds cases that wait for a hint. It is never waited for when all goes well. The
// kit's own tests, in which it does not, have less.
var patience = 30 * time.Second

// heard waits for hints while it does something again and again, until enough says so.
func (t *T) heard(do func(), enough func(store.Hint) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hints := make(chan store.Hint)
	go func() {
		defer close(hints)
		for ctx.Err() == nil {
			hint, err := as[store.Waiter](t).Wait(ctx, []string{queueA})
			if err != nil {
				return
			}
			select {
			case hints <- hint:
			case <-ctx.Done():
			}
		}
	}()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		do()
		select {
		case hint, open := <-hints:
			if !open {
				t.Fatalf("nothing was heard within %s", patience)
			}
			if enough(hint) {
				cancel()
				for range hints { // until the goroutine has ended
				}
				return
			}
		case <-again.C:
		}
	}
}

func waitWakesOnInsert(t *T) {
	t.heard(func() { t.insertOne() }, func(store.Hint) bool { return true })
}

func waitWakesOnSetDue(t *T) {
	id := t.insertOne(withDelay(time.Hour))
	t.heard(func() {
		t.setDue(store.When{Delay: time.Hour}, id)
		t.setDue(store.When{}, id)
	}, func(store.Hint) bool { return true })
}

func waitEndsWithContext(t *T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := as[store.Waiter](t).Wait(ctx, []string{queueB})
		for err == nil { // hints may come for nothing
			_, err = as[store.Waiter](t).Wait(ctx, []string{queueB})
		}
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("Wait returned %v when its context was cancelled", err)
	}
	if _, err := as[store.Waiter](t).Wait(t.endedContext(), []string{queueB}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Wait returned %v for a context that was cancelled before", err)
	}
}

func waitHearsCancel(t *T) {
	var cancelled []int64
	t.heard(func() {
		task := t.running(withPriority(2))
		t.cancel(task.ID)
		cancelled = append(cancelled, task.ID)
	}, func(hint store.Hint) bool {
		return slices.ContainsFunc(hint.Cancelled, func(id int64) bool { return slices.Contains(cancelled, id) })
	})
}
