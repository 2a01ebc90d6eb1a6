package memory_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTask() store.NewTask { return store.NewTask{Name: "n", Queue: "q", Encoding: "json"} }

func claim(limit int) store.Claim {
	return store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: limit, Lease: store.NewLeaseID(), For: time.Minute}
}

func insert(tb testing.TB, s *memory.Store, tasks ...store.NewTask) []store.Inserted {
	tb.Helper()
	in, err := s.Insert(context.Background(), tasks)
	if err != nil {
		tb.Fatal(err)
	}
	return in
}

func TestRetentionDropsFinishedTasks(t *testing.T) {
	for name, test := range map[string]struct {
		option memory.Option
		kept   time.Duration
	}{
		"an hour":         {memory.Retention(time.Hour), time.Hour},
		"never too short": {memory.Retention(time.Second), 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			s := memory.New(test.option, memory.Clock(func() time.Time { return now }))
			in := insert(t, s, newTask(), newTask())
			tasks, err := s.ClaimDue(t.Context(), claim(1))
			if err != nil || len(tasks) != 1 {
				t.Fatalf("claimed %d, error %v", len(tasks), err)
			}
			if err := s.Complete(t.Context(), []store.Completion{{ID: tasks[0].ID, Lease: tasks[0].Lease}}); err != nil {
				t.Fatal(err)
			}
			left := func() int {
				found, err := s.Get(t.Context(), []int64{in[0].ID, in[1].ID})
				if err != nil {
					t.Fatal(err)
				}
				return len(found)
			}
			now = now.Add(test.kept - time.Second)
			if left() != 2 {
				t.Error("dropped too soon")
			}
			now = now.Add(time.Second)
			if left() != 1 {
				t.Error("the finished task was not dropped, or the waiting one was")
			}
			if counts, _ := s.Counts(t.Context()); counts[0].Completed != 0 || counts[0].Created != 1 {
				t.Errorf("counts %+v", counts)
			}
		})
	}
}

func TestWaitWakesInTime(t *testing.T) {
	for name, prepare := range map[string]func(s *memory.Store){
		"a delayed task falls due": func(s *memory.Store) {
			n := newTask()
			n.Delay = time.Minute
			insert(t, s, n)
		},
		"a lease ends": func(s *memory.Store) {
			insert(t, s, newTask())
			_, _ = s.ClaimDue(t.Context(), claim(1))
		},
		"a due task was claimed before it": func(s *memory.Store) {
			n := newTask()
			n.Delay = time.Minute
			insert(t, s, newTask(), n)
			_, _ = s.ClaimDue(t.Context(), store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: 2, Lease: store.NewLeaseID(), For: time.Hour})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory.New()
				began := time.Now()
				heard := make(chan time.Duration, 1)
				prepare(s)
				go func() {
					_, err := s.Wait(context.Background(), []string{"q"})
					if err != nil {
						t.Error(err)
					}
					heard <- time.Since(began)
				}()
				if after := <-heard; after != time.Minute {
					t.Errorf("woken after %s, want a minute", after)
				}
			})
		})
	}
}

func TestCloseWakesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		heard := make(chan error, 1)
		go func() {
			_, err := s.Wait(context.Background(), []string{"q"})
			heard <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-heard; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Wait returned %v", err)
		}
	})
}

// Claims come in the order of a sorted list, whatever was inserted, cancelled and given back.
func TestOrderIsThatOfASortedList(t *testing.T) {
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, seed))
	now := time.Now()
	s := memory.New(memory.Clock(func() time.Time { return now }))
	names := []string{"a", "b", "c"}
	var want []store.Inserted
	priority := map[int64]int{}
	for range 2000 {
		n := newTask()
		n.Name, n.Priority, n.Delay = names[rng.IntN(3)], rng.IntN(5)-2, time.Duration(rng.IntN(50))*time.Second
		in := insert(t, s, n)[0]
		if rng.IntN(4) == 0 {
			if _, err := s.Cancel(t.Context(), store.Filter{IDs: []int64{in.ID}}, 0); err != nil {
				t.Fatal(err)
			}
			continue
		}
		priority[in.ID] = n.Priority
		want = append(want, in)
	}
	slices.SortFunc(want, func(a, b store.Inserted) int {
		return cmp.Or(cmp.Compare(priority[b.ID], priority[a.ID]), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	now = now.Add(time.Minute)
	c := claim(7)
	c.Names = names
	for len(want) > 0 {
		c.Lease = store.NewLeaseID()
		tasks, err := s.ClaimDue(t.Context(), c)
		if err != nil || len(tasks) != min(7, len(want)) {
			t.Fatalf("claimed %d of %d, error %v", len(tasks), len(want), err)
		}
		for i, task := range tasks {
			if task.ID != want[i].ID {
				t.Fatalf("claimed task %d, want %d (seed %d)", task.ID, want[i].ID, seed)
			}
		}
		if rng.IntN(3) == 0 { // back to where it came from
			last := tasks[len(tasks)-1]
			if err := s.Reschedule(t.Context(), []store.Rescheduling{{ID: last.ID, Lease: c.Lease, Kind: store.Release}}); err != nil {
				t.Fatal(err)
			}
			tasks = tasks[:len(tasks)-1]
		}
		want = want[len(tasks):]
	}
}

func BenchmarkClaimAndComplete100(b *testing.B) {
	for name, foreign := range map[string]int{"alone": 0, "behind 100,000 foreign": 100_000} {
		b.Run(name, func(b *testing.B) {
			s := memory.New()
			n := newTask()
			n.Name = "foreign"
			insert(b, s, slices.Repeat([]store.NewTask{n}, foreign)...)
			fresh := slices.Repeat([]store.NewTask{newTask()}, 100)
			b.ReportAllocs()
			for b.Loop() {
				insert(b, s, slices.Clone(fresh)...)
				tasks, err := s.ClaimDue(context.Background(), claim(100))
				if err != nil || len(tasks) != 100 {
					b.Fatalf("claimed %d, error %v", len(tasks), err)
				}
				done := make([]store.Completion, len(tasks))
				for i, t := range tasks {
					done[i] = store.Completion{ID: t.ID, Lease: t.Lease}
				}
				if err := s.Complete(context.Background(), done); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What is deleted is not held on to until its retention would have ended.
func TestDeletedTasksAreForgotten(t *testing.T) {
	const tasks, size = 64, 1 << 20
	used := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // it is not that much
	}
	s := memory.New()
	before := used()
	for range tasks {
		large := newTask()
		large.Params = make([]byte, size)
		insert(t, s, large)
		got, err := s.ClaimDue(t.Context(), claim(1))
		if err != nil || len(got) != 1 {
			t.Fatalf("claimed %d, error %v", len(got), err)
		}
		if err := s.Complete(t.Context(), []store.Completion{{ID: got[0].ID, Lease: got[0].Lease}}); err != nil {
			t.Fatal(err)
		}
	}
	if held := used() - before; held < tasks*size {
		t.Fatalf("%d tasks take %d bytes", tasks, held)
	}
	deleted, err := s.Delete(t.Context(), store.Filter{Statuses: []store.Status{store.Completed}}, 0)
	if err != nil || len(deleted) != tasks {
		t.Fatalf("deleted %d, error %v", len(deleted), err)
	}
	if held := used() - before; held > tasks*size/4 {
		t.Errorf("%d bytes are held after all was deleted", held)
	}
	runtime.KeepAlive(s)
}
