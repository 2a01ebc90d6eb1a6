package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// insertPlain stores tasks without unique keys that are no repeats.
func (s *Store) insertPlain(ctx context.Context, tasks []store.NewTask, valid []int, out []store.Inserted) error {
	var lists [][]any
	var parts [][]int
	for first := 0; first < len(valid); {
		end, bytes := first, 0
		args := s.arguments()
		for end < len(valid) && end-first < mostItems && (end == first || bytes < mostBytes) {
			n := &tasks[valid[end]]
			args = append(args, idText(n.ID), etaText(n.ETA), micros(n.Delay), lane(n.Queue, n.Priority), recordOf(n))
			bytes += len(n.Params)
			end++
		}
		lists, parts = append(lists, args), append(parts, valid[first:end])
		first = end
	}
	if len(lists) == 0 {
		return nil
	}
	answers, err := s.run(ctx, &s.scripts.insert, lists...)
	if err != nil {
		return err
	}
	s.work.Add(1)
	var news wake.News
	for i, part := range parts {
		if len(answers[i]) != 1 {
			return errAnswer
		}
		text, _ := answers[i][0].(string)
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errAnswer
		}
		for _, t := range part {
			n := &tasks[t]
			due := dueAt(etaText(n.ETA), micros(n.Delay), at)
			out[t] = store.Inserted{ID: n.ID, Created: fromMicros(at), Due: fromMicros(due)}
			if due <= at {
				news.Due(n.Queue)
			}
		}
	}
	s.board.Announce(&news)
	return nil
}

// etaText is an ETA in microseconds, rounded up; empty if it is none.
func etaText(eta time.Time) string {
	if eta.IsZero() {
		return ""
	}
	at := eta.UnixMicro()
	if eta.Nanosecond()%1000 > 0 {
		at++
	}
	return strconv.FormatInt(at, 10)
}

// dueAt computes as the scripts do when a new task is due.
func dueAt(eta string, delay, at int64) int64 {
	if due, err := strconv.ParseInt(eta, 10, 64); err == nil && due > at {
		return due
	}
	return at + delay
}

// idBlock is how many ids are fetched at least.
const idBlock = 1000

// number gives ids to those tasks that have none.
func (s *Store) number(ctx context.Context, tasks []store.NewTask, valid []int) error {
	return s.ids.Number(tasks, valid, func(missing int) error {
		n := int64(max(idBlock, missing))
		end, err := s.increase(ctx, n)
		if err == nil {
			s.ids.Add(end-n+1, end+1)
		}
		return err
	})
}
