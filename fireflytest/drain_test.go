package fireflytest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/fireflytest"
	"github.com/fireflytasks/go-firefly/store"
)

func sent(context.Context, mail) (firefly.None, error) { return firefly.None{}, nil }

// summary says in short what ran, how, and in which order.
func summary(runs []fireflytest.Ran) string {
	all := make([]string, len(runs))
	for i, r := range runs {
		all[i] = fmt.Sprintf("%d.%d %s", r.Task.ID, r.Attempt, r.Outcome)
	}
	return strings.Join(all, ", ")
}

func TestDrainRunsWhatIsDueWithItsChildren(t *testing.T) {
	s, mem := newShop(t)
	s.schedule(t, charge.Call(order{1, 1}))
	s.schedule(t, charge.Call(order{2, 1}, firefly.Queue("vip"), firefly.Priority(1)))
	s.schedule(t, charge.Call(order{3, 1}, firefly.Delay(time.Hour)))
	s.schedule(t, firefly.Declare[int, int]("unknown").Call(1))
	began := mem.Now()
	runs := fireflytest.Drain(t, mem, charge.Handle(s.charge(well)), sendMail.Handle(sent))
	if got, want := summary(runs), "2.1 completed, 1.1 completed, 5.1 completed, 6.1 completed"; got != want {
		t.Errorf("ran %s, want %s", got, want)
	}
	if !mem.Now().Equal(began) {
		t.Errorf("the clock moved by %s", mem.Now().Sub(began))
	}
	if got := summary(fireflytest.Drain(t, mem, charge.Handle(s.charge(well)))); got != "" {
		t.Errorf("ran %s again", got)
	}
	mem.Advance(time.Hour)
	if got := summary(fireflytest.Drain(t, mem, charge.Handle(s.charge(well)))); got != "3.1 completed" {
		t.Errorf("an hour later ran %s", got)
	}
}

func TestDrainClaimsNothingAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, mem := newShop(t)
		for i := range 8 {
			s.schedule(t, charge.Call(order{i, 1}))
		}
		runs := fireflytest.Drain(t, mem, sendMail.Handle(sent), charge.Handle(func(ctx context.Context, _ order) (string, error) {
			<-time.After(10 * time.Millisecond) // as quick as handlers whose next tasks a worker claims ahead
			_, err := sendMail.Schedule(ctx, s.client, mail{}, firefly.Priority(1))
			return "", err
		}))
		if len(runs) != 16 {
			t.Fatalf("ran %s", summary(runs))
		}
		for i := 1; i < len(runs); i += 2 {
			if runs[i].Task.Name != "mail.send" {
				t.Fatalf("run %d is not the urgent one: %s", i+1, summary(runs))
			}
		}
	})
}

func TestDrainAllMovesTheClock(t *testing.T) {
	s, mem := newShop(t)
	began := mem.Now()
	var at []time.Duration
	s.schedule(t, charge.Call(order{1, 1}, firefly.MaxRetries(2), firefly.RetryDelay(24*time.Hour)))
	s.schedule(t, charge.Call(order{2, 1}, firefly.ETA(began.Add(time.Hour))))
	runs := fireflytest.DrainAll(t, mem, sendMail.Handle(sent), charge.Handle(func(ctx context.Context, o order) (string, error) {
		at = append(at, mem.Now().Sub(began))
		info, _ := firefly.Attempt(ctx)
		if o.ID == 1 && info.Attempt < 3 {
			return "", errBoom
		}
		return "", nil
	}))
	if got, want := summary(runs), "1.1 retried, 2.1 completed, 1.2 retried, 1.3 completed"; got != want {
		t.Errorf("ran %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(at), "[0s 1h0m0s 24h0m0s 48h0m0s]"; got != want {
		t.Errorf("ran at %s, want %s", got, want)
	}
	if runs[0].Err == nil || runs[3].Err != nil {
		t.Errorf("the errors are %v and %v", runs[0].Err, runs[3].Err)
	}
}

func TestDrainingAhead(t *testing.T) {
	s, mem := newShop(t)
	began := mem.Now()
	for _, delay := range []time.Duration{0, time.Hour, time.Hour + time.Nanosecond} {
		s.schedule(t, sendMail.Call(mail{}, firefly.Delay(delay)))
	}
	runs := fireflytest.Draining{Ahead: time.Hour}.Run(t, mem, sendMail.Handle(sent))
	if got := summary(runs); got != "1.1 completed, 2.1 completed" || mem.Now().Sub(began) != time.Hour {
		t.Errorf("ran %s, until %s", got, mem.Now().Sub(began))
	}
}

func TestDrainLeavesWhatItMayNotRun(t *testing.T) {
	s, mem := newShop(t)
	if err := mem.Pause(t.Context(), []string{"paused"}); err != nil {
		t.Fatal(err)
	}
	began := mem.Now()
	s.schedule(t, sendMail.Call(mail{}, firefly.Queue("paused")))
	s.schedule(t, sendMail.Call(mail{}, firefly.Queue("paused"), firefly.Delay(time.Hour)))
	s.schedule(t, sendMail.Call(mail{}, firefly.Queue("other")))
	s.schedule(t, charge.Call(order{}, firefly.Delay(time.Hour)))
	s.schedule(t, sendMail.Call(mail{}))
	d := fireflytest.Draining{Ahead: time.Hour, Worker: firefly.WorkerConfig{Queues: []string{"default"}}}
	if got := summary(d.Run(t, mem, sendMail.Handle(sent))); got != "5.1 completed" {
		t.Errorf("of one queue ran %s", got)
	}
	if got := summary(fireflytest.DrainAll(t, mem, sendMail.Handle(sent))); got != "3.1 completed" {
		t.Errorf("of all queues ran %s", got)
	}
	if !mem.Now().Equal(began) {
		t.Errorf("the clock moved by %s for nothing", mem.Now().Sub(began))
	}
}

func TestDrainIsBounded(t *testing.T) {
	forever := firefly.Define("tick", func(context.Context, firefly.None) (firefly.None, error) {
		return firefly.None{}, firefly.Snooze(time.Hour)
	})
	s, mem := newShop(t)
	s.schedule(t, forever.Call(firefly.None{}))
	expectEnd(t, "after 3 runs task 1 (tick) is due still: does it schedule or retry itself for ever?", func(tb *fake) {
		fireflytest.Draining{Ahead: 1000 * time.Hour, MaxRuns: 3}.Run(tb, mem, forever)
	})
	expectEnd(t, "after 1000 runs", func(tb *fake) { fireflytest.DrainAll(tb, mem, forever) })
	tasks, err := mem.Get(t.Context(), []int64{1})
	if err != nil || len(tasks) != 1 || tasks[0].Status != store.Created || tasks[0].Crashes != 0 {
		t.Errorf("the task is left as %v, error %v", tasks, err)
	}
	s, mem = newShop(t)
	for range 3 {
		s.schedule(t, sendMail.Call(mail{}))
	}
	runs := fireflytest.Draining{MaxRuns: 3}.Run(t, mem, sendMail.Handle(sent)) // just enough
	if got := summary(runs); got != "1.1 completed, 2.1 completed, 3.1 completed" {
		t.Errorf("ran %s", got)
	}
}

func TestDrainingSideBySide(t *testing.T) {
	s, mem := newShop(t)
	for range 3 {
		s.schedule(t, sendMail.Call(mail{}))
	}
	var together sync.WaitGroup
	together.Add(3)
	runs := fireflytest.Draining{Worker: firefly.WorkerConfig{Concurrency: 3}}.Run(t, mem,
		sendMail.Handle(func(context.Context, mail) (firefly.None, error) {
			together.Done()
			together.Wait()
			return firefly.None{}, nil
		}))
	if len(runs) != 3 {
		t.Errorf("ran %s", summary(runs))
	}
}

func TestDrainFailsTheTest(t *testing.T) {
	s, mem := newShop(t)
	handler := sendMail.Handle(sent)
	expectEnd(t, "there are no handlers", func(tb *fake) { fireflytest.Drain(tb, mem) })
	expectEnd(t, "cannot be moved: make the store with NewStore", func(tb *fake) { fireflytest.DrainAll(tb, mem.Store, handler) })
	expectEnd(t, "does not support Counter: name them in Draining.Worker", func(tb *fake) { fireflytest.Drain(tb, bare(mem), handler) })
	s.schedule(t, sendMail.Call(mail{}))
	named := fireflytest.Draining{Worker: firefly.WorkerConfig{Queues: []string{"default"}}}
	if got := summary(named.Run(t, bare(mem), handler)); got != "1.1 completed" {
		t.Errorf("without capabilities ran %s", got)
	}
	_ = mem.Close()
	expectEnd(t, "closed", func(tb *fake) { fireflytest.Drain(tb, mem, handler) })
	expectEnd(t, "closed", func(tb *fake) { named.Run(tb, mem, handler) })
}

func TestStoresClock(t *testing.T) {
	s := fireflytest.NewStore(t)
	began := s.Now()
	s.Advance(-time.Hour)
	if !s.Now().Equal(began) {
		t.Errorf("the clock went back by %s", began.Sub(s.Now()))
	}
	client := fireflytest.NewClient(t, s)
	h, err := sendMail.Schedule(t.Context(), client, mail{}, firefly.Delay(100*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	fireflytest.DrainAll(t, s, sendMail.Handle(sent))
	s.Advance(200 * 24 * time.Hour)
	if task, err := h.Task(t.Context()); err != nil || task.Status != store.Completed || !task.Finished.Equal(began.Add(100*24*time.Hour)) {
		t.Errorf("the task is %s since %s, error %v", task.Status, task.Finished, err)
	}
}
