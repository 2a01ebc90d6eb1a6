package storetest

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// pair chooses a task and a lease that held it once. The latest come more often.
func (w *walker) pair(s Step) (walkPair, store.Task, bool) {
	if len(w.pairs) == 0 {
		return walkPair{}, store.Task{}, false
	}
	from := w.pairs
	if n := 8; s.A%4 != 0 && len(from) > n {
		from = from[len(from)-n:]
	}
	p := pick(from, s.A>>2)
	usable := !p.task.forgotten(&w.model) && w.find(p.task.id) == p.task
	return p, store.Task{ID: p.task.id, Lease: p.lease.claim.Lease, Retries: p.task.retries, Crashes: p.task.crashes}, usable
}

func (w *walker) complete(s Step) {
	p, task, ok := w.pair(s)
	if !ok {
		return
	}
	repeat := p.task.status == store.Completed && p.task.endedBy == p.lease
	accepted := p.task.settles(p.lease)
	if accepted {
		p.task.finish(&w.model, p.lease, store.Completed)
	}
	w.verdict(w.T.complete(task, []byte(`"done"`)), accepted || repeat, "complete", p)
}

func (w *walker) fail(s Step) {
	p, task, ok := w.pair(s)
	if !ok {
		return
	}
	repeat := (p.task.status == store.Failed || p.task.status == store.Cancelled) && p.task.endedBy == p.lease
	if repeat && p.task.cancel {
		return // it may have ended through a rescheduling: then Fail is another verdict, or a repeat
	}
	accepted := p.task.settles(p.lease)
	if accepted {
		p.task.failures++
		as := store.Failed
		if p.task.cancel {
			as = store.Cancelled
		}
		p.task.finish(&w.model, p.lease, as)
	}
	w.verdict(w.T.fail(task, "boom"), accepted || repeat, "fail", p)
}

func (w *walker) reschedule(s Step) {
	p, task, ok := w.pair(s)
	if !ok {
		return
	}
	kind := pick([]store.Kind{store.Retry, store.Snooze, store.Release}, s.B)
	after := 2*int(s.B>>2%3) + 1
	text := ""
	if kind == store.Retry {
		text = "again"
	}
	accepted := p.task.settles(p.lease)
	if accepted {
		due := w.now + after
		if kind == store.Release {
			due = p.task.due
		}
		if kind == store.Retry {
			p.task.failures++
		}
		if kind == store.Retry && !p.task.cancel {
			p.task.retries++
		}
		p.task.again(&w.model, p.lease, due)
	}
	w.verdict(w.T.reschedule(task, kind, halfMinutes(after), text), accepted, kind.String(), p)
}

func (w *walker) extend(s Step) {
	e, ok := store.As[store.Extender](w.store)
	if !ok || len(w.leases) == 0 {
		return
	}
	l := pick(w.leases, s.A)
	d := 2*int(s.B%3) + 1
	held := w.held(l)
	if len(held) > 0 {
		l.end = max(l.end, w.now+d)
	}
	out, err := e.Extend(w.Context(), halfMinutes(d), []store.LeaseID{l.claim.Lease})
	w.ok(err, "extend")
	flagged := 0
	for _, t := range held {
		if t.cancel {
			flagged++
		}
	}
	if out[0].Lost != (len(held) == 0) || len(out[0].Cancelled) != flagged {
		w.Fatalf("extend of a lease that holds %d tasks, %d of them to be cancelled, says %+v", len(held), flagged, out[0])
	}
}

// administer picks a task, calls a method that changes tasks by a filter, and compares.
func (w *walker) administer(s Step, doing string, call func(store.Filter) ([]int64, error), may func(*modelTask) bool) {
	if len(w.all) == 0 {
		return
	}
	t := pick(w.all, s.A)
	if t.forgotten(&w.model) {
		return
	}
	want := may(t)
	changed, err := call(store.Filter{IDs: []int64{t.id}})
	if got := err == nil && len(changed) == 1; got != want || err != nil && !store.IsDefinite(err) {
		w.Fatalf("%s of %+v changed %v, error %v; want a change: %t", doing, t, changed, err, want)
	}
	if w.find(t.id) == t {
		w.compare([]*modelTask{t})
	}
}

func (w *walker) cancel(s Step) {
	c, ok := store.As[store.Canceler](w.store)
	if !ok {
		return
	}
	w.administer(s, "cancel", func(f store.Filter) ([]int64, error) { return c.Cancel(w.Context(), f, 0) }, func(t *modelTask) bool {
		switch {
		case t.status == store.Created:
			t.finish(&w.model, nil, store.Cancelled)
		case t.status == store.Running && !t.cancel:
			t.cancel = true
		default:
			return false
		}
		return true
	})
}

func (w *walker) retry(s Step) {
	r, ok := store.As[store.Retrier](w.store)
	if !ok {
		return
	}
	w.administer(s, "retry", func(f store.Filter) ([]int64, error) { return r.Retry(w.Context(), f, 0) }, func(t *modelTask) bool {
		if t.status != store.Failed && t.status != store.Cancelled || w.holder(t.new.UniqueKey) != nil {
			return false
		}
		t.status, t.due, t.retries, t.crashes, t.cancel, t.endedBy = store.Created, w.now, 0, 0, false, nil
		return true
	})
}

func (w *walker) setDue(s Step) {
	d, ok := store.As[store.DueSetter](w.store)
	if !ok {
		return
	}
	due := w.now
	var when store.When
	if late := int(s.B % 4); late > 0 {
		due += 2*late - 1
		when.Delay = halfMinutes(2*late - 1)
	}
	if s.B>>2%2 == 0 { // of now, it is past when it arrives
		when = store.When{ETA: w.began.Add(halfMinutes(due))}
	}
	w.administer(s, "set due", func(f store.Filter) ([]int64, error) { return d.SetDue(w.Context(), f, when, 0) }, func(t *modelTask) bool {
		if t.status != store.Created {
			return false
		}
		t.due = due
		return true
	})
}

func (w *walker) remove(s Step) {
	d, ok := store.As[store.Deleter](w.store)
	if !ok {
		return
	}
	w.administer(s, "delete", func(f store.Filter) ([]int64, error) { return d.Delete(w.Context(), f, 0) }, func(t *modelTask) bool {
		if t.status == store.Running {
			return false
		}
		for i := range w.all {
			if w.all[i] == t {
				w.all = append(w.all[:i:i], w.all[i+1:]...)
				break
			}
		}
		return true
	})
}

// compare reads tasks, if the store can, and ends the walk unless they are as the model's.
func (w *walker) compare(tasks []*modelTask) {
	w.Helper()
	if _, ok := store.As[store.Getter](w.store); !ok {
		return
	}
	for _, t := range tasks {
		if t != nil && !t.forgotten(&w.model) {
			w.same(w.task(t.id), t)
		}
	}
}

func (w *walker) same(got store.Task, want *modelTask) {
	w.Helper()
	if got.Status != want.status || got.Retries != want.retries || got.Crashes != want.crashes ||
		len(got.Errors) != min(want.failures, store.MaxErrors) || got.Priority != want.new.Priority ||
		string(got.Params) != string(want.new.Params) || !want.status.Terminal() && got.CancelRequested != want.cancel {
		w.Fatalf("task is %+v, want %+v", got, *want)
	}
	if wait := halfMinutes(want.due - want.created); (got.Due.Sub(got.Created) - wait).Abs() > 15*time.Second {
		w.Fatalf("task %d is due %s after it was created, want %s", got.ID, got.Due.Sub(got.Created), wait)
	}
}
