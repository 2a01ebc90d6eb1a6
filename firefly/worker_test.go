package firefly_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

func TestVerdicts(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		run     func(ctx context.Context) error
		want    store.Status
		runs    int // of at most three
		history string
	}{
		"error":             {func(context.Context) error { return boom }, store.Failed, 3, "boom"},
		"permanent":         {func(context.Context) error { return firefly.Permanent(boom) }, store.Failed, 1, "boom"},
		"wrapped permanent": {func(context.Context) error { return fmt.Errorf("wrapped: %w", firefly.Permanent(boom)) }, store.Failed, 1, "wrapped: boom"},
		"permanent nil":     {func(context.Context) error { return firefly.Permanent(nil) }, store.Completed, 1, ""},
		"cancel":            {func(context.Context) error { return fmt.Errorf("wrapped: %w", firefly.Cancel(boom)) }, store.Cancelled, 1, "boom"},
		"panic":             {func(context.Context) error { panic(boom) }, store.Failed, 3, "panic: boom"},
		"panic of nil":      {func(context.Context) error { panic(nil) }, store.Failed, 3, "panic: "},
		"goexit":            {func(context.Context) error { runtime.Goexit(); return nil }, store.Failed, 3, "runtime.Goexit"},
		"timeout":           {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, store.Failed, 3, "longer than its timeout"},
		"late but well":     {func(ctx context.Context) error { <-ctx.Done(); return nil }, store.Completed, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				runs := 0
				w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					runs++
					return firefly.None{}, test.run(ctx)
				}))
				h := w.schedule(firefly.MaxRetries(2), firefly.RetryDelay(time.Second), firefly.Timeout(time.Second))
				w.settle(time.Minute)
				task := w.status(h.ID(), test.want)
				last := ""
				if n := len(task.Errors); n > 0 {
					last = task.Errors[n-1].Text
				}
				if runs != test.runs || !strings.Contains(last, test.history) || (last == "") != (test.history == "") {
					t.Errorf("%d runs, want %d; last error %q, want %q", runs, test.runs, last, test.history)
				}
			})
		})
	}
}

func TestRetryTimes(t *testing.T) {
	for name, test := range map[string]struct {
		declared []firefly.DeclareOption
		want     []time.Duration // between runs
	}{
		"stored delay":    {nil, []time.Duration{10 * time.Second, 10 * time.Second}},
		"own function":    {[]firefly.DeclareOption{firefly.WithBackoff(func(n int) time.Duration { return time.Duration(n) * time.Minute })}, []time.Duration{time.Minute, 2 * time.Minute}},
		"negative is now": {[]firefly.DeclareOption{firefly.WithBackoff(func(int) time.Duration { return -time.Hour })}, []time.Duration{0, 0}},
		"panic is stored": {[]firefly.DeclareOption{firefly.WithBackoff(func(int) time.Duration { panic("boom") })}, []time.Duration{10 * time.Second, 10 * time.Second}},
		"year is the end": {[]firefly.DeclareOption{firefly.WithBackoff(func(int) time.Duration { return 1<<63 - 1 })}, []time.Duration{365 * 24 * time.Hour, 365 * 24 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var began []time.Time
				task := firefly.Define("task", firefly.NoResult(func(context.Context, firefly.None) error {
					began = append(began, time.Now())
					return errors.New("boom")
				}), test.declared...)
				stop := w.work(firefly.WorkerConfig{PollInterval: time.Hour, Lease: 24 * time.Hour}, task)
				scheduled[firefly.None](w)(task.Schedule(w.Context(), w.client, firefly.None{}, firefly.MaxRetries(2), firefly.RetryDelay(10*time.Second)))
				w.settle(800 * 24 * time.Hour)
				stop()
				if len(began) != len(test.want)+1 {
					t.Fatalf("%d runs, want %d", len(began), len(test.want)+1)
				}
				for i, want := range test.want {
					if got := began[i+1].Sub(began[i]); got < want || got > want+50*time.Millisecond {
						t.Errorf("retry %d came after %s, want %s", i+1, got, want)
					}
				}
			})
		})
	}
}

func TestConcurrencyIsKept(t *testing.T) {
	inWorld(t, func(w *world) {
		var mu sync.Mutex
		running, most, done := 0, 0, 0
		w.work(firefly.WorkerConfig{Concurrency: 7}, job.Handle(func(context.Context, firefly.None) (firefly.None, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			running--
			done++
			mu.Unlock()
			return firefly.None{}, nil
		}))
		for range 70 {
			w.schedule()
		}
		w.settle(10*time.Second + 500*time.Millisecond)
		if most != 7 || done != 70 {
			t.Errorf("at most %d at once, want 7; %d of 70 done in ten rounds", most, done)
		}
	})
}

// Two full queues at concurrency one both make progress; a due retry is not starved by new work.
func TestNobodyStarves(t *testing.T) {
	inWorld(t, func(w *world) {
		var order journal
		var retried atomic.Bool
		task := firefly.Define("task", firefly.NoResult(func(_ context.Context, from string) error {
			<-time.After(time.Second)
			order.addf("%s", from)
			if from == "retry" && retried.CompareAndSwap(false, true) {
				return errors.New("again")
			}
			return nil
		}), firefly.MaxRetries(1), firefly.RetryDelay(5*time.Second))
		put := func(from, queue string) {
			scheduled[firefly.None](w)(task.Schedule(w.Context(), w.client, from, firefly.Queue(queue)))
		}
		put("retry", "a")
		for range 10 {
			put("a", "a")
			put("b", "b")
		}
		w.work(firefly.WorkerConfig{Queues: []string{"a", "b"}, Concurrency: 1}, task)
		for range 40 { // newer work all the time
			w.settle(500 * time.Millisecond)
			put("new", "a")
		}
		got := order.String()
		if a, b := strings.Count(got, "a"), strings.Count(got, "b"); a < 5 || b < 5 {
			t.Errorf("%d of queue a, %d of queue b: %s", a, b, got)
		}
		w.settle(time.Minute)
		got = order.String()
		before := got[:strings.LastIndex(got, "retry")]
		if strings.Count(got, "retry") != 2 || strings.Count(before, "new") > 12 { // those due before it
			t.Errorf("the retry came after newer work: %s", got)
		}
	})
}

func TestUnknownNamesAreLeftAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		h := w.schedule()
		w.work(firefly.WorkerConfig{}, Add.Handle(add))
		w.settle(time.Minute)
		if task := w.status(h.ID(), store.Created); task.Retries+task.Crashes != 0 {
			t.Errorf("touched: %+v", task)
		}
	})
}

func TestPausedQueueWaits(t *testing.T) {
	inWorld(t, func(w *world) {
		w.work(firefly.WorkerConfig{}, job.Handle(nap(0)))
		if err := w.store.Pause(w.Context(), []string{"default"}); err != nil {
			t.Fatal(err)
		}
		h := w.schedule()
		w.settle(time.Minute)
		w.status(h.ID(), store.Created)
		if err := w.store.Resume(w.Context(), []string{"default"}); err != nil {
			t.Fatal(err)
		}
		w.settle(0)
		w.status(h.ID(), store.Completed)
	})
}

func TestPickUp(t *testing.T) {
	for name, test := range map[string]struct {
		bare   bool
		within time.Duration
	}{"woken": {false, 0}, "polling": {true, time.Second}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s store.Store = w.store
				if test.bare {
					s = sixMethods{w.store}
				}
				began := map[int64]time.Time{}
				w.workOn(s, firefly.WorkerConfig{Concurrency: 1}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					info, _ := firefly.Attempt(ctx)
					began[info.Task.ID] = time.Now()
					return firefly.None{}, nil
				}))
				w.settle(10 * time.Second)
				now := w.schedule()
				eta := w.schedule(firefly.Delay(90 * time.Second))
				at := time.Now()
				w.settle(3 * time.Minute)
				for h, due := range map[*firefly.Handle[firefly.None]]time.Time{now: at, eta: at.Add(90 * time.Second)} {
					if late := began[h.ID()].Sub(due); late < 0 || late > test.within {
						t.Errorf("task %d ran %s after it was due", h.ID(), late)
					}
				}
			})
		})
	}
}

func TestAttemptInfoAndHooks(t *testing.T) {
	inWorld(t, func(w *world) {
		var log journal
		w.work(firefly.WorkerConfig{Name: "w1", Hooks: firefly.Hooks{
			Claimed: func(n int, _ time.Duration) {
				if n > 0 {
					log.addf("claimed %d", n)
				}
			},
			Started: func(_ context.Context, i firefly.Info) { log.addf("started %d", i.Attempt) },
			Ended: func(i firefly.Info, e firefly.End) {
				log.addf("ended %d %s %v %s", i.Attempt, e.Outcome, e.Err, e.Took)
			},
		}}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
			info, ok := firefly.Attempt(ctx)
			log.addf("running %s by %s %t", info.Task.Name, info.Worker, ok)
			<-time.After(time.Second)
			if info.Attempt == 1 {
				return firefly.None{}, errors.New("boom")
			}
			return firefly.None{}, nil
		}))
		w.schedule(firefly.MaxRetries(1), firefly.RetryDelay(time.Second))
		w.settle(time.Minute)
		if _, ok := firefly.Attempt(w.Context()); ok {
			t.Error("an attempt outside of handlers")
		}
		want := "claimed 1, started 1, running job by w1 true, ended 1 retried boom 1s, " +
			"claimed 1, started 2, running job by w1 true, ended 2 completed <nil> 1s"
		if got := log.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
