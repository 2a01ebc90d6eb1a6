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
	tick *time.Ticker // each lets one of the goroutines go on
	stop chan struct{}
	all  sync.WaitGroup

	doubtful atomic.Int64 // calls
	refused  atomic.Int64 // calls
	trouble  atomic.Value // the text of the last error
}

// schedulers is how many goroutines schedule tasks, each one after the other. As many do it in
// transactions.
const schedulers = 4

// startLoad schedules about so many tasks a second.
func (h *harness) startLoad(perSecond int) *load {
	const each = 2 // tasks, see load.one
	l := &load{harness: h, tick: time.NewTicker(each * time.Second / time.Duration(perSecond)), stop: make(chan struct{})}
	l.trouble.Store("none")
	ways := []scheduleFunc{h.client.ScheduleMany}
	if _, ok := store.As[store.Beginner](h.store); ok && h.effects != nil { // else ids are not known before the commit
		ways = append(ways, h.scheduleInTx)
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
func (h *harness) scheduleInTx(ctx context.Context, calls ...firefly.AnyCall) error {
	tx, err := store.Begin(ctx, h.store)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after the commit, nothing to do
	if err := h.client.In(tx).ScheduleMany(ctx, calls...); err != nil {
		return store.Definite(err) // not committed
	}
	return tx.Commit(ctx)
}

func (l *load) work(schedule scheduleFunc) {
	for {
		select {
		case <-l.tick.C:
			l.one(schedule)
		case <-l.stop:
			return
		case <-l.Context().Done(): // the test has failed
			return
		}
	}
}

// one schedules a task of each kind. The parent has retries, as it fails when the server dies.
func (l *load) one(schedule scheduleFunc) {
	p := parent.Call(firefly.None{}, firefly.MaxRetries(1000), firefly.RetryDelay(10*time.Millisecond))
	q := plain.Call(firefly.None{})
	doubt := false
	for {
		err := schedule(l.Context(), p, q)
		if err == nil {
			l.known.add(p, q)
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
