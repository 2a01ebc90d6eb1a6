package redis_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// A shelf is a store whose clock a test moves.
type shelf struct {
	*redis.Store

	t      *testing.T
	offset *atomic.Int64
}

func newShelf(t *testing.T, opts ...redis.Option) *shelf {
	t.Helper()
	var offset atomic.Int64
	s, _ := fresh(t, append(opts, redis.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))...)
	return &shelf{s, t, &offset}
}

// after moves the clock and deletes what is past its retention then.
func (s *shelf) after(d time.Duration) {
	s.t.Helper()
	s.offset.Add(int64(d))
	if err := redis.Sweep(s.t.Context(), s.Store); err != nil {
		s.t.Fatal(err)
	}
}

// finish ends n tasks in each way.
func (s *shelf) finish(n int) {
	s.t.Helper()
	insert(s.t, s.Store, 3*n)
	tasks := claim(s.t, s.Store, 3*n)
	failed := failures(tasks[n:]...)
	for i := range n {
		failed[i].Cancelled = true
	}
	if err := errors.Join(s.Complete(s.t.Context(), completions(tasks[:n]...)), s.Fail(s.t.Context(), failed)); err != nil {
		s.t.Fatal(err)
	}
}

// Finished tasks are deleted by the hour when they are past their retention, completed ones on their
// own, and counts follow.
func TestRetention(t *testing.T) {
	s := newShelf(t, redis.Retention(24*time.Hour), redis.RetentionFailed(72*time.Hour))
	s.finish(4)
	insert(t, s.Store, 1)
	s.after(23 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{Created: 1, Completed: 4, Failed: 4, Cancelled: 4})
	s.after(2 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{Created: 1, Failed: 4, Cancelled: 4})
	s.after(46 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{Created: 1, Failed: 4, Cancelled: 4})
	s.finish(1)
	s.after(2 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{Created: 1, Completed: 1, Failed: 1, Cancelled: 1})
	s.after(24 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{Created: 1, Failed: 1, Cancelled: 1})
	s.after(1000 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{Created: 1})
}

// The shortest retention is what repeated insertions need: see the first rule of package store.
func TestShortestRetention(t *testing.T) {
	s := newShelf(t, redis.Retention(0), redis.RetentionFailed(-time.Hour))
	s.finish(1)
	s.after(9 * time.Minute)
	expectCounts(t, s.Store, store.QueueCounts{Completed: 1, Failed: 1, Cancelled: 1})
	s.after(62 * time.Minute)
	expectCounts(t, s.Store, store.QueueCounts{})
}

// One round deletes all, however many there are of one hour.
func TestRetentionOfMany(t *testing.T) {
	s := newShelf(t, redis.Retention(time.Hour))
	const many = 2500
	insert(t, s.Store, many)
	if err := s.Complete(t.Context(), completions(claim(t, s.Store, many)...)); err != nil {
		t.Fatal(err)
	}
	s.after(3 * time.Hour)
	expectCounts(t, s.Store, store.QueueCounts{})
}

// What is deleted leaves nothing behind until its retention would have ended, even beside what stays.
func TestDeletedTasksAreForgotten(t *testing.T) {
	s, client := fresh(t)
	const tasks, batch = 600, 100
	ids := insert(t, s, tasks)
	if err := s.Complete(t.Context(), completions(claim(t, s, tasks)...)); err != nil {
		t.Fatal(err)
	}
	listed := func() (n int64) {
		prefix := "{" + namespace(t) + "}:"
		lists, err := client.ZRange(t.Context(), prefix+"hours", 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			length, err := client.LLen(t.Context(), prefix+list).Result()
			if err != nil || length == 0 {
				t.Errorf("%s holds %d ids, error %v", list, length, err)
			}
			n += length
		}
		return n
	}
	for _, first := range []int{0, 1} { // every other one stays at first
		var those []int64
		for i := first; i < tasks; i += 2 {
			those = append(those, ids[i])
		}
		for some := range slices.Chunk(those, batch) {
			if deleted, err := s.Delete(t.Context(), store.Filter{IDs: some}, 0); err != nil || len(deleted) != batch {
				t.Fatalf("deleted %d, error %v", len(deleted), err)
			}
		}
		if n, want := listed(), int64(tasks/2*(1-first)); n != want {
			t.Errorf("%d ids are listed, want %d", n, want)
		}
	}
}

// A task that was retried is kept from when it finished again, and is counted once.
func TestRetentionOfRetried(t *testing.T) {
	end := map[string]func(s *shelf, task store.Task) error{
		"fails":     func(s *shelf, task store.Task) error { return s.Fail(s.t.Context(), failures(task)) },
		"completes": func(s *shelf, task store.Task) error { return s.Complete(s.t.Context(), completions(task)) },
	}
	for again, settle := range end {
		for when, later := range map[string]time.Duration{"at once": 0, "hours later": 10 * time.Hour} {
			t.Run(again+" "+when, func(t *testing.T) {
				s := newShelf(t, redis.Retention(24*time.Hour), redis.RetentionFailed(24*time.Hour))
				ids := insert(t, s.Store, 2)
				if err := s.Fail(t.Context(), failures(claim(t, s.Store, 2)...)); err != nil {
					t.Fatal(err)
				}
				s.after(later)
				if _, err := s.Retry(t.Context(), store.Filter{IDs: ids[:1]}, 0); err != nil {
					t.Fatal(err)
				}
				if err := settle(s, claim(t, s.Store, 1)[0]); err != nil {
					t.Fatal(err)
				}
				if later > 0 {
					s.after(16 * time.Hour) // the other one is past its retention
					want := store.QueueCounts{Failed: 1}
					if again == "completes" {
						want = store.QueueCounts{Completed: 1}
					}
					expectCounts(t, s.Store, want)
				}
				s.after(30 * time.Hour)
				expectCounts(t, s.Store, store.QueueCounts{})
			})
		}
	}
	t.Run("and waits", func(t *testing.T) {
		s := newShelf(t, redis.RetentionFailed(time.Hour))
		ids := insert(t, s.Store, 1)
		if err := s.Fail(t.Context(), failures(claim(t, s.Store, 1)...)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Retry(t.Context(), store.Filter{IDs: ids}, 0); err != nil {
			t.Fatal(err)
		}
		s.after(100 * time.Hour)
		expectCounts(t, s.Store, store.QueueCounts{Created: 1})
		claim(t, s.Store, 1)
	})
}

// A lease that holds nothing any more is remembered for as long as its claim may be repeated.
func TestSpentLeasesAreForgotten(t *testing.T) {
	s := newShelf(t)
	insert(t, s.Store, 3)
	c := newClaim()
	c.Limit = 1
	tasks, err := s.ClaimDue(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Complete(t.Context(), completions(tasks...)); err != nil {
		t.Fatal(err)
	}
	s.after(9 * time.Minute)
	if again, err := s.ClaimDue(t.Context(), c); err != nil || len(again) != 0 {
		t.Errorf("nine minutes later the claim repeated got %d tasks, error %v", len(again), err)
	}
	s.after(2 * time.Minute)
	if again, err := s.ClaimDue(t.Context(), c); err != nil || len(again) != 1 {
		t.Errorf("eleven minutes later the claim got %d tasks, error %v: its id should be forgotten", len(again), err)
	}
}
