package cli_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

// A hooked store calls before with the number of each call that deletes tasks.
type hooked struct {
	store.Full

	before func(n int) error
	calls  int
}

func (h *hooked) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	h.calls++
	if err := h.before(h.calls); err != nil {
		return nil, err
	}
	return h.Full.Delete(ctx, f, limit)
}

// hook lets a function be called before each batch.
func (s *shell) hook(before func(n int) error) {
	s.config.Store = &hooked{Full: s.store, before: before}
}

func TestTasksInterrupted(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		s.insert(t, make([]store.NewTask, 2500)...)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		s.hook(func(n int) error {
			if n == 2 {
				stop()
			}
			return nil
		})
		args := []string{"tasks", "delete", "--status", "created", "--yes"}
		r := s.runIn(ctx, t, args...)
		const want = "firefly: interrupted: 2,000 of about 2,500 deleted; run the same command again to go on\n"
		if r.code != cli.ExitInterrupted || r.stderr != want || !strings.HasSuffix(r.stdout, "\ndeleted 2,000 tasks\n") {
			t.Errorf("exit code %d, %s%s", r.code, r.stdout, r.stderr)
		}
		if out := s.ok(t, args...); !strings.HasSuffix(out, "\ndeleted 500 tasks\n") {
			t.Error(out)
		}
		if left := s.listed(t); len(left) > 0 {
			t.Errorf("%d tasks are left", len(left))
		}
	})
}

func TestTasksInterruptedByIDs(t *testing.T) {
	s := onSQLite(t)
	s.insert(t, make([]store.NewTask, 1500)...)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s.hook(func(int) error { stop(); return nil })
	if r := s.runIn(ctx, t, "tasks", "delete", "1-1500"); r.code != cli.ExitInterrupted || r.stdout != "deleted 1,000 tasks\n" {
		t.Errorf("exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
}

func TestTasksInterruptedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		ids := s.insert(t, store.NewTask{})
		ctx, stop := context.WithCancel(t.Context())
		stop()
		for _, args := range []string{"list", "show 1", "delete 1", "delete --status created --yes"} {
			r := s.runIn(ctx, t, append([]string{"tasks"}, strings.Fields(args)...)...)
			if r.code != cli.ExitInterrupted || !strings.HasPrefix(r.stderr, "firefly: interrupted") {
				t.Errorf("%s: exit code %d, %s", args, r.code, r.stderr)
			}
		}
		s.wantStatuses(t, ids, store.Created)
	})
}

func TestTasksThatStillMatch(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		s.insert(t, make([]store.NewTask, 1200)...)
		out := s.ok(t, "tasks", "reschedule", "--status", "created", "--delay", "1h", "--yes", "-o", "json")
		for _, want := range []string{`"matched": 1200`, `"changed": 1200`, `"refused": []`} {
			if !strings.Contains(out, want) {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
	})
}

func TestTasksBulkFails(t *testing.T) {
	s := onSQLite(t)
	s.insert(t, make([]store.NewTask, 1500)...)
	s.hook(func(n int) error {
		if n == 2 {
			return fmt.Errorf("disk: %w", store.ErrUnavailable)
		}
		return nil
	})
	s.fails(t, cli.ExitUnavailable, "1,000 of about 1,500 deleted; run the same command again to go on",
		"tasks", "delete", "--status", "created", "--yes")
}

func TestTasksThatChangeInBetween(t *testing.T) {
	s := onSQLite(t)
	ids := s.insert(t, make([]store.NewTask, 3)...)
	s.hook(func(int) error {
		_, err := s.store.Cancel(t.Context(), store.Filter{IDs: ids[:1]}, 0)
		_, also := s.store.Delete(t.Context(), store.Filter{IDs: ids[2:]}, 0)
		return errors.Join(err, also)
	})
	out := s.ok(t, "tasks", "delete", "--status", "created", "--yes")
	if !strings.HasSuffix(out, "\ndeleted 1 task; passed over 2 tasks that changed in between\n") {
		t.Error(out)
	}
	s.wantStatuses(t, ids, store.Cancelled)
}

func TestTasksScheduledInTheMeantimeStay(t *testing.T) {
	s := onSQLite(t)
	ids := s.insert(t, make([]store.NewTask, 1200)...)
	var later []int64
	s.hook(func(n int) error {
		if n > 1 {
			return nil
		}
		_, err := s.store.Delete(t.Context(), store.Filter{IDs: ids[1199:]}, 0) // where the walk is to end
		later = s.insert(t, store.NewTask{})
		return err
	})
	s.ok(t, "tasks", "delete", "--status", "created", "--yes")
	if left := s.listed(t); !slices.Equal(left, later) {
		t.Errorf("%v are left, not %v", left, later)
	}
}

func TestTasksAreCountedUpToABound(t *testing.T) {
	s := newShell(t, "memory://")
	s.insert(t, make([]store.NewTask, 10_001)...)
	s.fails(t, cli.ExitUsage, "add --yes to delete more than 10,000 tasks", "tasks", "delete", "--name", "shop.charge")
	s.fails(t, cli.ExitUsage, "add --yes to delete 10,001 tasks", "tasks", "delete", "--queue", "default")
	if out := s.ok(t, "tasks", "delete", "--name", "shop.charge", "--dry-run", "-o", "json"); !strings.Contains(out, `"matched_at_least": true`) {
		t.Error(out)
	}
	if out := s.ok(t, "tasks", "delete", "--name", "shop.charge", "--yes"); !strings.HasSuffix(out, "\ndeleted 10,001 tasks\n") {
		t.Error(out)
	}
}

func TestTasksOnABareStore(t *testing.T) {
	s := onSQLite(t)
	s.config.Store = struct{ store.Store }{s.store}
	for args, lacks := range map[string]string{
		"list": "Lister", "show 1": "Getter", "retry 1": "Retrier", "cancel 1": "Canceler", "delete 1": "Deleter", "reschedule 1 --now": "DueSetter",
	} {
		s.fails(t, cli.ExitFailed, "does not support "+lacks, append([]string{"tasks"}, strings.Fields(args)...)...)
	}
	s.config.Store = struct {
		store.Store
		store.Deleter
	}{s.store, s.store}
	id := s.insert(t, store.NewTask{})[0]
	s.ok(t, "tasks", "delete", text(id))
	s.fails(t, cli.ExitRefused, "there is no such task, or it is not created, completed, failed or cancelled", "tasks", "delete", text(id))
}
