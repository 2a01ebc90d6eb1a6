package crash

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// A load schedules tasks, as an application does whose server may be killed at any time: what is
// in doubt is scheduled again until it is known, and what was refused is forgotten.
type load struct {
	*harness
	demand
	tick *time.Ticker // each lets one of the goroutines go on
	stop chan struct{}
	all  sync.WaitGroup

	doubtful atomic.Int64 // calls
	refused  atomic.Int64 // calls
	trouble  atomic.Value // the text of the last error
}

// A demand is what a load schedules, and how.
type demand struct {
	store          store.Store
	client         *firefly.Client
	parents, plain int         // in each call
	calls          int         // a second, at most
	enough         func() bool // there is enough to do; nil is never
}

// schedulers is how many goroutines schedule tasks, each one after the other. As many do it in
// transactions.
const schedulers = 4

// startLoad schedules about so many tasks a second, one of each kind at a time.
func (h *harness) startLoad(perSecond int) *load {
	return h.supply(demand{store: h.store, client: h.client, parents: 1, plain: 1, calls: perSecond / 2})
}

// supply begins to schedule.
func (h *harness) supply(d demand) *load {
	l := &load{harness: h, demand: d, tick: time.NewTicker(time.Second / time.Duration(d.calls)), stop: make(chan struct{})}
	l.trouble.Store("none")
	ways := []scheduleFunc{d.client.ScheduleMany}
	if _, ok := store.As[store.Beginner](d.store); ok && h.effects != nil { // else ids are not known before the commit
		ways = append(ways, d.scheduleInTx)
	}
	for _, way := range ways {
		for range schedulers {
			l.all.Go(func() { l.work(way) })
		}
	}
	return l
}

// end stops scheduling, and returns when nothing is in doubt any more.
func (l *load) end() {
	close(l.stop)
	l.all.Wait()
	l.tick.Stop()
}

type scheduleFunc func(ctx context.Context, calls ...firefly.AnyCall) error

// scheduleInTx is a scheduleFunc in a transaction of the application's.
func (d demand) scheduleInTx(ctx context.Context, calls ...firefly.AnyCall) error {
	tx, err := store.Begin(ctx, d.store)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after the commit, nothing to do
	if err := d.client.In(tx).ScheduleMany(ctx, calls...); err != nil {
		return store.Definite(err) // not committed
	}
	return tx.Commit(ctx)
}

func (l *load) work(schedule scheduleFunc) {
	for {
		select {
		case <-l.tick.C:
			if l.enough == nil || !l.enough() {
				l.one(schedule)
			}
		case <-l.stop:
			return
		case <-l.Context().Done(): // the test has failed
			return
		}
	}
}

// one schedules tasks in one call. A parent has retries, as it fails when the server dies.
func (l *load) one(schedule scheduleFunc) {
	tasks := make([]*firefly.Call[firefly.None], l.parents+l.plain)
	calls := make([]firefly.AnyCall, len(tasks))
	for i := range tasks {
		tasks[i] = plain.Call(firefly.None{})
		if i < l.parents {
			tasks[i] = parent.Call(firefly.None{}, firefly.MaxRetries(1000), firefly.RetryDelay(10*time.Millisecond))
		}
		calls[i] = tasks[i]
	}
	doubt := false
	for {
		err := schedule(l.Context(), calls...)
		if err == nil {
			l.known.add(tasks...)
			return
		}
		l.trouble.Store(err.Error())
		if l.Context().Err() != nil {
			return
		}
		switch definite := store.IsDefinite(err); {
		case definite && !doubt:
			l.refused.Add(1)
			return
		case !definite && !doubt:
			l.doubtful.Add(1)
			doubt = true
		}
		<-l.tick.C
	}
}
