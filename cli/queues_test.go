package cli_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

// put stores n tasks in a queue.
func (s *shell) put(t *testing.T, queue string, n int) {
	t.Helper()
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = store.NewTask{Name: "shop.charge", Queue: queue, Params: []byte("1"), Encoding: "json"}
	}
	if _, err := s.store.Insert(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
}

// take claims up to n tasks of a queue.
func (s *shell) take(t *testing.T, queue string, n int) []store.Task {
	t.Helper()
	claim := store.Claim{Queues: []string{queue}, Names: []string{"shop.charge"}, Limit: n, For: time.Hour}
	_, _ = rand.Read(claim.Lease[:]) // it never fails
	tasks, err := s.store.ClaimDue(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// town makes a queue with tasks of all statuses but one, a paused one and one that is paused without
// any task.
func (s *shell) town(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	s.put(t, "default", 7)
	s.put(t, "mail", 2)
	taken := s.take(t, "default", 4)
	done := []store.Completion{{ID: taken[0].ID, Lease: taken[0].Lease}, {ID: taken[1].ID, Lease: taken[1].Lease}}
	if err := s.store.Complete(ctx, done); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Fail(ctx, []store.Failure{{ID: taken[2].ID, Lease: taken[2].Lease}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Cancel(ctx, store.Filter{Queues: []string{"mail"}}, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Pause(ctx, []string{"mail", "reports"}); err != nil {
		t.Fatal(err)
	}
}

func TestQueuesList(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		t.Helper()
		if r := s.run(t, "queues", "list"); r.code != cli.ExitOK || r.stdout != "" || r.stderr != "no queue holds a task, and none is paused\n" {
			t.Errorf("of no queue: %+v", r)
		}
		if got := s.ok(t, "queues", "list", "-o", "json"); got != "[]\n" {
			t.Errorf("of no queue: %s", got)
		}
		s.town(t)
		golden(t, "queues_list", s.ok(t, "queues", "list"))
		golden(t, "queues_list_json", s.ok(t, "queues", "list", "-o", "json"))
	})
}

func TestQueuesPause(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		t.Helper()
		s.town(t)
		golden(t, "queues_pause", s.ok(t, "queues", "pause", "default", "mail", "nosuch", "default"))
		want := []string{"default", "mail", "nosuch", "reports"}
		if paused, err := s.store.Paused(t.Context()); err != nil || !slices.Equal(paused, want) {
			t.Errorf("paused are %q, error %v", paused, err)
		}
		if got := s.take(t, "default", 9); len(got) > 0 {
			t.Errorf("a worker got %d tasks of a paused queue", len(got))
		}
		golden(t, "queues_resume", s.ok(t, "queues", "resume", "default", "nosuch", "other"))
		want = []string{"mail", "reports"}
		if paused, err := s.store.Paused(t.Context()); err != nil || !slices.Equal(paused, want) {
			t.Errorf("paused are %q, error %v", paused, err)
		}
		if got := s.take(t, "default", 9); len(got) != 3 {
			t.Errorf("a worker got %d tasks of a queue that goes on", len(got))
		}
		golden(t, "queues_pause_json", s.ok(t, "queues", "pause", "mail", "nosuch", "-o", "json"))
	})
}

func TestQueuesWrongUsage(t *testing.T) {
	s := onSQLite(t)
	s.fails(t, cli.ExitUsage, `QUEUE is missing: see "firefly queues pause --help"`, "queues", "pause")
	s.fails(t, cli.ExitUsage, `QUEUE is missing: see "firefly queues resume --help"`, "queues", "resume")
	s.fails(t, cli.ExitUsage, `queue "a b" holds ' '`, "queues", "pause", "good", "a b")
	s.fails(t, cli.ExitUsage, `unexpected argument "mail"`, "queues", "list", "mail")
	s.fails(t, cli.ExitUsage, `unknown command "paus" for "firefly queues": did you mean pause?`, "queues", "paus", "mail")
	if paused, err := s.store.Paused(t.Context()); err != nil || len(paused) > 0 {
		t.Errorf("paused are %q, error %v", paused, err)
	}
}

// A queue that somebody paused under a name that no task can have is let go.
func TestQueuesResumeAnyName(t *testing.T) {
	s := onSQLite(t)
	if err := s.store.Pause(t.Context(), []string{"a b"}); err != nil {
		t.Fatal(err)
	}
	if got := s.ok(t, "queues", "resume", "a b"); got != "resumed a b: it holds no task; \"firefly queues list\" shows the queues that do\n" {
		t.Error(got)
	}
}

// A bare store has what is asked of every store, and nothing else.
type bare struct{ store.Store }

type pausing struct {
	bare
	store.Pauser
}

func TestQueuesOnABareStore(t *testing.T) {
	s := onSQLite(t)
	s.put(t, "mail", 1)
	s.config.Store = bare{s.store}
	s.fails(t, cli.ExitFailed, "cli_test.bare does not support Counter", "queues", "list")
	s.fails(t, cli.ExitFailed, "cli_test.bare does not support Pauser", "queues", "pause", "mail")

	s.config.Store = pausing{bare{s.store}, s.store}
	if got := s.ok(t, "queues", "pause", "mail"); got != "paused mail\n" {
		t.Error(got)
	}
	var result []map[string]any
	if err := json.Unmarshal([]byte(s.ok(t, "queues", "resume", "mail", "-o", "json")), &result); err != nil {
		t.Fatal(err)
	}
	if len(result) != 1 || len(result[0]) != 3 || result[0]["paused"] != false || result[0]["changed"] != true {
		t.Errorf("%v", result)
	}
}

// An interrupted command that only looks ends at once; one that changes something ends what it is at.
func TestQueuesInterrupted(t *testing.T) {
	s := onSQLite(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := s.runIn(ctx, t, "queues", "list"); r.code != cli.ExitInterrupted {
		t.Errorf("%+v", r)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	s.config.Store = pausing{bare{s.store}, &stoppedPauser{s.store, cancel}}
	if r := s.runIn(ctx, t, "queues", "pause", "mail"); r.code != cli.ExitOK || r.stdout != "paused mail\n" {
		t.Errorf("%+v", r)
	}
}

// A stoppedPauser is one in the middle of which a signal comes.
type stoppedPauser struct {
	store.Pauser

	signal func()
}

func (p *stoppedPauser) Pause(ctx context.Context, queues []string) error {
	p.signal()
	return p.Pauser.Pause(ctx, queues)
}
