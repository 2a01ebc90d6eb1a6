package storefaults

import (
	"context"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

// counts returns those of a queue, and those of all.
func counts(tb testing.TB, s store.Full, queue string) (of store.QueueCounts, all []store.QueueCounts) {
	tb.Helper()
	all, err := s.Counts(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	of.Queue = queue
	for _, c := range all {
		if c.Queue == queue {
			of = c
		}
	}
	return of, all
}

// ExpectCounts compares the counts of the queue that want names with want, and the sums of all counts
// with the tasks. A store whose counts a cut may leave off corrects them before.
func ExpectCounts(tb testing.TB, s store.Full, want store.QueueCounts) {
	tb.Helper()
	if r, ok := s.(interface {
		Recount(ctx context.Context) error
	}); ok {
		if err := r.Recount(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	got, all := counts(tb, s, want.Queue)
	if got != want {
		tb.Errorf("counts are %+v, want %+v", got, want)
	}
	tasks, err := s.List(tb.Context(), store.Filter{}, store.Page{Limit: 1 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	excess := map[store.Status]int64{}
	for _, c := range all {
		excess[store.Created] += c.Created
		excess[store.Running] += c.Running
		excess[store.Completed] += c.Completed
		excess[store.Failed] += c.Failed
		excess[store.Cancelled] += c.Cancelled
	}
	for i := range tasks {
		excess[tasks[i].Status]--
	}
	for status, n := range excess {
		if n != 0 {
			tb.Errorf("%d more tasks are counted as %s than there are", n, status)
		}
	}
}
