package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// idsOf returns the ids of the tasks, in their order.
func idsOf(tasks []store.Task) []int64 {
	ids := make([]int64, len(tasks))
	for i := range tasks {
		ids[i] = tasks[i].ID
	}
	return ids
}

// inOrder ends the case unless tasks are exactly those with the ids want, in that order.
func (t *T) inOrder(tasks []store.Task, want []int64, why string) {
	t.Helper()
	if got := idsOf(tasks); !slices.Equal(got, want) {
		t.Fatalf("got tasks %v, want %v: %s", got, want, why)
	}
}

// inAnyOrder ends the case unless tasks are exactly those with the ids want.
func (t *T) inAnyOrder(tasks []store.Task, want []int64, why string) {
	t.Helper()
	got := idsOf(tasks)
	slices.Sort(got)
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Fatalf("got tasks %v, want %v: %s", got, want, why)
	}
}

// refusedItems ends the case unless err is a BatchError that refuses exactly the items at the
// positions, each because of want.
func (t *T) refusedItems(err, want error, doing string, positions ...int) {
	t.Helper()
	var batch *store.BatchError
	if !errors.As(err, &batch) {
		t.Fatalf("%s: error %v, want a BatchError", doing, err)
	}
	var got []int
	for _, r := range batch.Refused {
		got = append(got, r.Index)
		if !errors.Is(r.Err, want) {
			t.Fatalf("%s: item %d was refused with %v, want %v", doing, r.Index, r.Err, want)
		}
	}
	if slices.Sort(got); !slices.Equal(got, positions) {
		t.Fatalf("%s: refused the items %v, want %v", doing, got, positions)
	}
}

// refusedIDs ends the case unless err is a BatchError whose refusals name the ids.
func (t *T) refusedIDs(err error, doing string, want ...int64) {
	t.Helper()
	var batch *store.BatchError
	if !errors.As(err, &batch) {
		t.Fatalf("%s: error %v, want a BatchError", doing, err)
	}
	var got []int64
	for _, r := range batch.Refused {
		got = append(got, r.ID)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Fatalf("%s: refused the tasks %v, want %v", doing, got, want)
	}
}

// endedContext returns a context that has ended.
func (t *T) endedContext() context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// storeNow reads the store's clock. It leaves a task that no claim of the kit asks for.
func (t *T) storeNow() time.Time {
	t.Helper()
	return t.insertAny(newTask(withName("kit.probe"), withQueue("kit.probe")))[0].Created
}

// claimedAt is the time on the store's clock at which a task was claimed for leaseTime.
func claimedAt(task store.Task) time.Time { return task.LeaseEnd.Add(-leaseTime) }

// sameTime reports whether two times are one, as exactly as the contract keeps them.
func sameTime(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Microsecond }
