package firefly_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

var errKilled = errors.New("the process was killed")

// A process is a worker that can be killed: from then on nothing that it does reaches the store.
type process struct {
	store *faulty
	gone  *atomic.Bool
	dead  chan struct{}
	once  sync.Once
}

func (p *process) kill() {
	p.gone.Store(true)
	p.once.Do(func() { close(p.dead) })
}

type processKey struct{}

// processes keeps n processes running, replacing those that are killed.
func (w *world) processes(n int, cfg firefly.WorkerConfig, handlers ...firefly.Handler) {
	for range n {
		go func() {
			for w.Context().Err() == nil {
				p := &process{dead: make(chan struct{})}
				p.store, p.gone = w.connection()
				ctx, cancel := context.WithCancel(context.WithValue(w.Context(), processKey{}, p))
				cfg := cfg
				cfg.Logger, cfg.ShutdownGrace = quiet(), -1
				worker, err := firefly.NewWorker(p.store, cfg, handlers...)
				if err != nil {
					w.Error(err)
				}
				go func() {
					select {
					case <-p.dead:
					case <-ctx.Done():
					}
					cancel()
				}()
				if err := worker.InOwnProcess().Run(ctx); err != nil {
					w.Error(err)
				}
				cancel()
			}
		}()
	}
}

// poisonous kills its process when it is given the number zero; otherwise it takes a while.
func poisonous(ctx context.Context, n int) (firefly.None, error) {
	p, _ := ctx.Value(processKey{}).(*process)
	if n == 0 {
		p.kill()
	}
	select {
	case <-p.dead:
		return firefly.None{}, errKilled
	case <-time.After(time.Second):
		return firefly.None{}, nil
	}
}

func TestPoisonAmongAThousand(t *testing.T) {
	inWorld(t, func(w *world) {
		task := firefly.Define("task", poisonous)
		calls := make([]firefly.AnyCall, 1000)
		for i := range calls {
			calls[i] = task.Call((i + 700) % 1000)
		}
		if err := w.client.ScheduleMany(w.Context(), calls...); err != nil {
			t.Fatal(err)
		}
		w.processes(4, firefly.WorkerConfig{Concurrency: 50}, task)
		w.settle(2 * time.Hour)
		all, err := w.store.List(context.Background(), store.Filter{}, store.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range all {
			poison := string(task.Params) == "0"
			switch {
			case poison && (task.Status != store.Failed || task.Crashes != 6 || !strings.Contains(task.Errors[0].Text, "6 of its runs")):
				t.Errorf("the poison: %+v", task)
			case !poison && (task.Status != store.Completed || task.Crashes > 2):
				t.Errorf("a neighbour: %+v", task)
			}
		}
	})
}

func TestMaxCrashes(t *testing.T) {
	for _, most := range []int{0, 1, 3} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			inWorld(t, func(w *world) {
				runs := 0
				task := firefly.Define("task", func(ctx context.Context, n int) (firefly.None, error) {
					runs++
					return poisonous(ctx, n)
				}, firefly.MaxCrashes(most), firefly.MaxRetries(100))
				h := scheduled[firefly.None](w)(task.Schedule(w.Context(), w.client, 0))
				w.processes(1, firefly.WorkerConfig{}, task)
				w.settle(time.Hour)
				if got := w.status(h.ID(), store.Failed); runs != most+1 || got.Retries != 0 {
					t.Errorf("%d runs, want %d", runs, most+1)
				}
			})
		})
	}
}

// suspects are stored tasks that have crashed twice.
func (w *world) suspects(n int) []int64 {
	w.Helper()
	var ids []int64
	for range n {
		ids = append(ids, w.schedule().ID())
	}
	for range 2 {
		c := store.Claim{Queues: []string{"default"}, Names: []string{job.Name()}, Limit: n, Lease: store.NewLeaseID(), For: time.Second}
		if tasks, err := w.store.ClaimDue(context.Background(), c); err != nil || len(tasks) != n {
			w.Fatalf("claimed %d of %d, error %v", len(tasks), n, err)
		}
		w.settle(2 * time.Second)
	}
	return ids
}

func TestSuspectsRunAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		ids := w.suspects(5)
		for range 5 {
			ids = append(ids, w.schedule().ID())
		}
		var running, suspects atomic.Int64
		var together atomic.Bool
		w.work(firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, none firefly.None) (firefly.None, error) {
			info, _ := firefly.Attempt(ctx)
			suspect := info.Task.Crashes == 2
			if suspect {
				suspects.Add(1)
			}
			if running.Add(1) > 1 && suspects.Load() > 0 {
				together.Store(true)
			}
			defer func() {
				running.Add(-1)
				if suspect {
					suspects.Add(-1)
				}
			}()
			return nap(time.Second)(ctx, none)
		}))
		w.settle(time.Minute)
		for _, id := range ids {
			if task := w.status(id, store.Completed); task.Crashes > 2 {
				t.Errorf("task %d crashed %d times", id, task.Crashes)
			}
		}
		if together.Load() {
			t.Error("a suspect ran beside others")
		}
	})
}

// Only one suspect at a time can run: the others are not claimed again and again, to be given back.
func TestManySuspectsAreClaimedOneByOne(t *testing.T) {
	inWorld(t, func(w *world) {
		ids := w.suspects(500)
		released := 0
		var mu sync.Mutex
		w.work(firefly.WorkerConfig{Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) {
			mu.Lock()
			defer mu.Unlock()
			if e.Outcome == firefly.Released {
				released++
			}
		}}}, job.Handle(nap(time.Millisecond)))
		w.settle(time.Hour)
		for _, id := range ids {
			w.status(id, store.Completed)
		}
		if released > len(ids) {
			t.Errorf("%d suspects were released %d times", len(ids), released)
		}
	})
}

// A suspect that finds no quiet moment is put off, so that claiming goes on.
func TestBusyProcessPutsSuspectsOff(t *testing.T) {
	inWorld(t, func(w *world) {
		long := firefly.Define("long", nap(10*time.Minute))
		scheduled[firefly.None](w)(long.Schedule(w.Context(), w.client, firefly.None{}))
		w.work(firefly.WorkerConfig{}, long, job.Handle(nap(time.Second)))
		w.settle(time.Second)
		c := store.Claim{Queues: []string{"default"}, Names: []string{job.Name()}, Limit: 1, For: time.Second}
		if err := w.store.Pause(w.Context(), []string{"default"}); err != nil {
			t.Fatal(err)
		}
		id := w.schedule().ID()
		for range 2 {
			c.Lease = store.NewLeaseID()
			if err := w.store.Resume(w.Context(), []string{"default"}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.store.ClaimDue(w.Context(), c); err != nil {
				t.Fatal(err)
			}
			if err := w.store.Pause(w.Context(), []string{"default"}); err != nil {
				t.Fatal(err)
			}
			w.settle(2 * time.Second)
		}
		if err := w.store.Resume(w.Context(), []string{"default"}); err != nil {
			t.Fatal(err)
		}
		w.settle(lease / 2)
		w.status(id, store.Running) // waits for a quiet moment
		w.settle(lease)
		other := w.schedule()
		w.settle(lease)
		w.status(other.ID(), store.Completed)
		w.settle(20 * time.Minute)
		w.status(id, store.Completed)
	})
}

func TestShutdownReleasesAWaitingSuspect(t *testing.T) {
	inWorld(t, func(w *world) {
		ids := w.suspects(1)
		other := w.schedule()
		stop := w.work(firefly.WorkerConfig{}, job.Handle(nap(5*time.Second)))
		w.settle(time.Second)
		stop()
		w.status(other.ID(), store.Completed)
		if task := w.status(ids[0], store.Created); task.Crashes != 2 {
			t.Errorf("released with %d crashes", task.Crashes)
		}
	})
}
