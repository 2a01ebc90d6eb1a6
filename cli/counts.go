package cli

import (
	"context"
	"slices"
	"strconv"

	"github.com/fireflytasks/go-firefly/store"
)

// readQueues returns the queues as the store counts them; not nil, so that as JSON they are a list.
func readQueues(ctx context.Context, s store.Store) ([]store.QueueCounts, error) {
	counter, err := need[store.Counter](s, "Counter")
	if err != nil {
		return nil, err
	}
	queues, err := reading(ctx, counter.Counts)
	return append([]store.QueueCounts{}, queues...), err
}

// newQueueTable has a column for each number of a queue, and more for what else there is.
func newQueueTable(more ...string) *table {
	t := &table{
		head:  append([]string{"QUEUE", "PAUSED", "CREATED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"}, more...),
		right: map[int]bool{},
	}
	for column := 2; column < len(t.head); column++ {
		t.right[column] = true
	}
	return t
}

// queueCells is a row of the table.
func queueCells(q *store.QueueCounts, more ...cell) []cell {
	paused := plain("no")
	if q.Paused {
		paused = cell{"yes", colorYellow}
	}
	return slices.Concat([]cell{plain(shorten(q.Queue, longestQueue)), paused}, countCells(q), more)
}

const longestQueue = 60 // bytes: a name may be longer than a line

func countCells(q *store.QueueCounts) []cell {
	cells := make([]cell, 0, 5)
	for _, c := range []struct {
		status store.Status
		n      int64
	}{
		{store.Created, q.Created}, {store.Running, q.Running}, {store.Completed, q.Completed},
		{store.Failed, q.Failed}, {store.Cancelled, q.Cancelled},
	} {
		color := statusCell(c.status).color
		if c.n == 0 {
			color = colorGray
		}
		cells = append(cells, cell{strconv.FormatInt(c.n, 10), color})
	}
	return cells
}
