package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

func TestConsumeWrongUsage(t *testing.T) {
	s := onSQLite(t)
	s.fails(t, cli.ExitUsage, "name a command for each name of tasks, as in --exec math.add='jq add'", "consume")
	s.config.Handlers = cli.Static()
	s.fails(t, cli.ExitUsage, "there is nothing to run tasks with", "consume")
	s.config.Handlers = cli.Static(firefly.Define("x", nothing))
	for _, test := range []struct {
		text string
		args []string
	}{
		{`unexpected argument "x"`, []string{"x"}},
		{"--queue is empty", []string{"--queue", ""}},
		{`--queue a: "0" is no number of tasks`, []string{"--queue", "a=0"}},
		{`--queue a: "many" is no number of tasks`, []string{"--queue", "a=many"}},
		{"--queue a is given twice", []string{"--queue", "a", "--queue", "b", "--queue", "a=3"}},
		{"--concurrency is 0: give 1 or more", []string{"--concurrency", "0"}},
		{"--max-crashes is -1", []string{"--max-crashes", "-1"}},
		{"lease 1ms is shorter than", []string{"--lease", "1ms"}},
		{"write a duration as", []string{"--grace", "long"}},
		{"retention of failed tasks for 1m0s is shorter", []string{"--keep-failed", "1m"}},
		{`--exec "=true": the name is empty`, []string{"--exec", "=true"}},
		{"--exec y has no command: write y=COMMAND", []string{"--exec", "y"}},
		{"--exec y has no command", []string{"--exec", "y= "}},
		{"the name x is registered twice", []string{"--exec", "x=exit 0"}},
	} {
		s.fails(t, cli.ExitUsage, test.text, append([]string{"consume"}, test.args...)...)
	}
	s.config.Handlers = func(store.Store) ([]firefly.Handler, error) { return nil, errors.New("no mail server") }
	s.fails(t, cli.ExitFailed, "no mail server", "consume")
}

func nothing(context.Context, firefly.None) (firefly.None, error) { return firefly.None{}, nil }

func TestConsumeDrainsChildrenAndLeavesWhatIsForLater(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		client, err := firefly.NewClient(s.store, firefly.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		// Each task schedules the next one on the other queue, when both have long looked empty.
		var ran atomic.Int64
		hop := firefly.Declare[int, firefly.None]("hop")
		s.config.Handlers = cli.Static(hop.Handle(firefly.NoResult(func(ctx context.Context, left int) error {
			ran.Add(1)
			if left == 0 {
				return nil
			}
			<-time.After(500 * time.Millisecond)
			_, err := hop.Schedule(ctx, client, left-1, firefly.Queue([]string{"a", "b"}[left%2]))
			return err
		})), firefly.Define("fails", firefly.NoResult(func(context.Context, firefly.None) error { return errors.New("no luck") })))

		s.schedule(t, "hop", "2", "--queue", "a")
		s.schedule(t, "hop", "0", "--queue", "b", "--delay", "1h")
		s.schedule(t, "hop", "0", "--queue", "elsewhere")
		s.schedule(t, "unknown", "--queue", "a")
		retried := s.schedule(t, "fails", "--queue", "b", "--max-retries", "1")
		r := s.run(t, "consume", "--drain", "--queue", "a=2", "--queue", "b")
		if r.code != cli.ExitOK || ran.Load() != 3 {
			t.Errorf("%d tasks ran, not 3: exit code %d\n%s", ran.Load(), r.code, r.stderr)
		}
		for _, text := range []string{
			"firefly: consume begins", "queues=\"[a b]\"", `why="nothing is due any more" completed=3 retried=1 failed=0`,
			"tasks still wait, for later or for a handler\" tasks=3", "will be tried again", `error="no luck"`,
		} {
			if !strings.Contains(r.stderr, text) {
				t.Errorf("not logged: %s\n%s", text, r.stderr)
			}
		}
		if got := s.task(t, parse(t, retried)); got.Retries != 1 || got.Status != store.Created {
			t.Errorf("the task that failed is %s after %d retries", got.Status, got.Retries)
		}
	})
}

func TestConsumeDrainDoesNotWaitForAPausedQueue(t *testing.T) {
	s := onSQLite(t)
	s.config.Handlers = cli.Static(firefly.Define("x", nothing))
	id := s.schedule(t, "x", "--queue", "q")
	if err := s.store.Pause(t.Context(), []string{"q"}); err != nil {
		t.Fatal(err)
	}
	s.ok(t, "consume", "--drain", "--queue", "q")
	if got := s.task(t, parse(t, id)); got.Status != store.Created {
		t.Errorf("the task is %s", got.Status)
	}
}

func TestConsumeConcurrency(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want int64
	}{
		{"of --queue", []string{"--queue", "q=2", "--concurrency", "3"}, 2},
		{"of --concurrency", []string{"--queue", "q", "--concurrency", "3"}, 3},
		{"of the application", []string{"--queue", "q"}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := onSQLite(t)
			var running atomic.Int64
			var mu sync.Mutex
			var most int64
			s.config.Worker.Concurrency = 4
			s.config.Handlers = cli.Static(firefly.Define("x", firefly.NoResult(func(context.Context, firefly.None) error {
				n := running.Add(1)
				defer running.Add(-1)
				mu.Lock()
				most = max(most, n)
				mu.Unlock()
				<-time.After(20 * time.Millisecond)
				return nil
			})))
			for range 12 {
				s.schedule(t, "x", "--queue", "q")
			}
			s.ok(t, append([]string{"consume", "--drain", "-q"}, test.args...)...)
			if most != test.want {
				t.Errorf("%d ran at once, not %d", most, test.want)
			}
		})
	}
}

func TestConsumeKeepsToTheApplicationsConfiguration(t *testing.T) {
	s := onSQLite(t)
	var mu sync.Mutex
	var hooks []string
	hook := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		hooks = append(hooks, name)
	}
	s.config.Worker = firefly.WorkerConfig{
		Queues: []string{"one", "two"}, Logger: slog.New(slog.DiscardHandler),
		Hooks: firefly.Hooks{
			Claimed: func(n int, _ time.Duration) {
				if n > 0 {
					hook("claimed")
				}
			},
			Started: func(context.Context, firefly.Info) { hook("started") },
			Ended:   func(_ firefly.Info, end firefly.End) { hook(string(end.Outcome)) },
		},
	}
	s.config.Handlers = cli.Static(firefly.Define("x", nothing))
	s.schedule(t, "x", "--queue", "two")
	r := s.run(t, "consume", "--drain")
	if want := []string{"claimed", "started", "completed"}; !slices.Equal(hooks, want) || r.stderr != "" || r.code != cli.ExitOK {
		t.Errorf("hooks %v, not %v: %+v", hooks, want, r)
	}
}

func TestConsumeEndsWhenAWorkerFails(t *testing.T) {
	s := onSQLite(t)
	s.config.Handlers = cli.Static(firefly.Define("x", nothing))
	s.config.Store = &closedFor{Full: s.store, queue: "b"}
	s.fails(t, cli.ExitFailed, "claim: the store is closed", "consume", "--queue", "a", "--queue", "b")
}

// closedFor is a store that refuses claims from one queue.
type closedFor struct {
	store.Full

	queue string
}

func (c *closedFor) ClaimDue(ctx context.Context, claim store.Claim) ([]store.Task, error) {
	if slices.Contains(claim.Queues, c.queue) {
		return nil, store.ErrClosed
	}
	return c.Full.ClaimDue(ctx, claim)
}
