package cli

import (
	"context"
	"math"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A stats is what one look at the store sees.
type stats struct {
	At     string       `json:"at"`
	Total  totalStats   `json:"total"`
	Queues []queueStats `json:"queues"`

	taken   time.Time
	counts  store.QueueCounts // of all queues together
	watched bool              // there are rates, unless it is the first look
}

type totalStats struct {
	Created   int64 `json:"created"`
	Running   int64 `json:"running"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
	Cancelled int64 `json:"cancelled"`
	rates
}

type queueStats struct {
	store.QueueCounts
	rates
}

// Rates are per second, between two looks.
type rates struct {
	In  *float64 `json:"scheduled_per_second,omitempty"`
	Out *float64 `json:"finished_per_second,omitempty"`
}

func takeStats(ctx context.Context, s store.Store) (*stats, error) {
	queues, err := readQueues(ctx, s)
	if err != nil {
		return nil, err
	}
	now := &stats{taken: time.Now(), Queues: make([]queueStats, len(queues))}
	now.At = now.taken.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	all := &now.counts
	for i, q := range queues {
		now.Queues[i].QueueCounts = q
		all.Created += q.Created
		all.Running += q.Running
		all.Completed += q.Completed
		all.Failed += q.Failed
		all.Cancelled += q.Cancelled
	}
	now.Total = totalStats{
		Created: all.Created, Running: all.Running, Completed: all.Completed, Failed: all.Failed, Cancelled: all.Cancelled,
	}
	return now, nil
}

// since adds the rates since an earlier look.
func (s *stats) since(before *stats) {
	seconds := s.taken.Sub(before.taken).Seconds()
	s.Total.rates = ratesOf(&before.counts, &s.counts, seconds)
	earlier := map[string]store.QueueCounts{}
	for _, q := range before.Queues {
		earlier[q.Queue] = q.QueueCounts
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		was := earlier[q.Queue] // none: it held no task
		q.rates = ratesOf(&was, &q.QueueCounts, seconds)
	}
}

func ratesOf(before, now *store.QueueCounts, seconds float64) rates {
	finished := func(q *store.QueueCounts) int64 { return q.Completed + q.Failed + q.Cancelled }
	all := func(q *store.QueueCounts) int64 { return q.Created + q.Running + finished(q) }
	return rates{
		In:  perSecond(all(now)-all(before), seconds),
		Out: perSecond(finished(now)-finished(before), seconds),
	}
}

// perSecond is nil if there is no telling.
func perSecond(n int64, seconds float64) *float64 {
	if n < 0 || seconds <= 0 {
		return nil
	}
	rate := math.Round(float64(n)/seconds*1000) / 1000
	return &rate
}
