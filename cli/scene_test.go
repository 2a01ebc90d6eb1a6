package cli_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// insert stores tasks, whose missing names and queues it fills in, and returns their ids.
func (s *shell) insert(t *testing.T, tasks ...store.NewTask) (ids []int64) {
	t.Helper()
	for i := range tasks {
		n := &tasks[i]
		if n.Name == "" {
			n.Name = "shop.charge"
		}
		if n.Queue == "" {
			n.Queue = "default"
		}
		if n.Params == nil {
			n.Params = []byte(`{"order":7,"cents":100}`)
		}
		n.Encoding = "json"
	}
	for some := range slices.Chunk(tasks, 1000) {
		inserted, err := s.store.Insert(t.Context(), some)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range inserted {
			ids = append(ids, in.ID)
		}
	}
	return ids
}

// claim claims the tasks of a queue that are due, which must be n, under a lease of its own.
func (s *shell) claim(t *testing.T, queue string, n int) []store.Task {
	t.Helper()
	s.leases++
	tasks, err := s.store.ClaimDue(t.Context(), store.Claim{
		Queues: []string{queue}, Names: []string{"shop.charge", "shop.mail"}, Limit: max(n, 1),
		Lease: store.LeaseID{s.leases}, For: time.Hour, Worker: cmp.Or(s.worker, "host-1"),
	})
	if err != nil || len(tasks) != n {
		t.Fatalf("claimed %d tasks of %d, error %v", len(tasks), n, err)
	}
	return tasks
}

// fail claims the tasks of a queue and lets them fail for good.
func (s *shell) fail(t *testing.T, queue string, n int, text string) {
	t.Helper()
	var failures []store.Failure
	for _, task := range s.claim(t, queue, n) {
		failures = append(failures, store.Failure{ID: task.ID, Lease: task.Lease, Err: &store.AttemptError{Attempt: 1, Text: text}})
	}
	if err := s.store.Fail(t.Context(), failures); err != nil {
		t.Fatal(err)
	}
}

func (s *shell) complete(t *testing.T, queue string, n int, returned string) {
	t.Helper()
	var done []store.Completion
	for _, task := range s.claim(t, queue, n) {
		done = append(done, store.Completion{ID: task.ID, Lease: task.Lease, Returned: []byte(returned)})
	}
	if err := s.store.Complete(t.Context(), done); err != nil {
		t.Fatal(err)
	}
}

// get returns a task as the store has it.
func (s *shell) get(t *testing.T, id int64) store.Task {
	t.Helper()
	tasks, err := s.store.Get(t.Context(), []int64{id})
	if err != nil || len(tasks) != 1 {
		t.Fatalf("task %d: got %d tasks, error %v", id, len(tasks), err)
	}
	return tasks[0]
}

// statuses returns what became of tasks; those that are gone are left out.
func (s *shell) statuses(t *testing.T, ids ...int64) (statuses []store.Status) {
	t.Helper()
	tasks, err := s.store.Get(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tasks {
		statuses = append(statuses, tasks[i].Status)
	}
	return statuses
}

// The ids of a scene's tasks.
type scene struct{ later, due, running, completed, failed, cancelled, again, paused int64 }

const hostile = "no \x1b[2Jmoney\u009b31m\nleft"

// scene makes a task of each kind.
func (s *shell) scene(t *testing.T) scene {
	t.Helper()
	ids := s.insert(t,
		store.NewTask{Queue: "later", Delay: 48 * time.Hour, Priority: -1},
		store.NewTask{Name: "shop.mail", Queue: "mail", UniqueKey: "mail:7", Meta: map[string]string{"trace": "a1", "host": "b"}},
		store.NewTask{Queue: "running", Priority: 2, Timeout: 30 * time.Second},
		store.NewTask{Queue: "completed"},
		store.NewTask{Queue: "failed"},
		store.NewTask{Queue: "cancelled"},
		store.NewTask{Queue: "again", MaxRetries: 3, RetryDelay: 2 * time.Minute},
		store.NewTask{Queue: "paused"},
	)
	s.claim(t, "running", 1)
	s.complete(t, "completed", 1, `{"receipt":"r-7","lines":[1,2]}`)
	s.fail(t, "failed", 1, hostile)
	if _, err := s.store.Cancel(t.Context(), store.Filter{IDs: ids[5:6]}, 0); err != nil {
		t.Fatal(err)
	}
	for _, task := range s.claim(t, "again", 1) {
		err := s.store.Reschedule(t.Context(), []store.Rescheduling{
			{ID: task.ID, Lease: task.Lease, Kind: store.Retry, After: 24 * time.Hour, Err: &store.AttemptError{Attempt: 1, Text: "connection refused"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.store.Pause(t.Context(), []string{"paused"}); err != nil {
		t.Fatal(err)
	}
	return scene{ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7]}
}
