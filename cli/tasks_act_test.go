package cli_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

func text(id int64) string { return strconv.FormatInt(id, 10) }

func (s *shell) wantStatuses(t *testing.T, ids []int64, want ...store.Status) {
	t.Helper()
	if got := s.statuses(t, ids...); !slices.Equal(got, want) {
		t.Errorf("tasks %v are %v, not %v", ids, got, want)
	}
}

func TestTasksByIDs(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		is := s.scene(t)
		if out := s.ok(t, "tasks", "retry", text(is.failed), text(is.cancelled)); out != "retried 2 tasks\n" {
			t.Error(out)
		}
		s.wantStatuses(t, []int64{is.failed, is.cancelled}, store.Created, store.Created)
		if out := s.ok(t, "tasks", "cancel", "1-2,"+text(is.running)); out != "cancelled 3 tasks: 2 ended, 1 still running and asked to end\n" {
			t.Error(out)
		}
		s.wantStatuses(t, []int64{is.later, is.due, is.running}, store.Cancelled, store.Cancelled, store.Running)
		if !s.get(t, is.running).CancelRequested {
			t.Error("the running task was not asked to end")
		}
		if out := s.ok(t, "tasks", "delete", text(is.completed)); out != "deleted 1 task\n" {
			t.Error(out)
		}
		s.wantStatuses(t, []int64{is.completed})
		if out := s.ok(t, "tasks", "reschedule", text(is.again), "--now"); out != "rescheduled 1 task\n" {
			t.Error(out)
		}
		s.claim(t, "again", 1)
	})
}

func TestTasksReschedule(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		is := s.scene(t)
		eta := time.Now().Add(72 * time.Hour).UTC().Truncate(time.Second)
		s.ok(t, "tasks", "reschedule", text(is.due), "--eta", eta.Format(time.RFC3339))
		if due := s.get(t, is.due).Due; !due.Equal(eta) {
			t.Errorf("due at %v, not %v", due, eta)
		}
		s.claim(t, "mail", 0)
		s.ok(t, "tasks", "reschedule", "--queue", "mail,later", "--delay", "1d", "--yes")
		s.claim(t, "mail", 0)
		s.advance(24*time.Hour + time.Second)
		s.claim(t, "mail", 1)
		s.claim(t, "later", 1)
		s.fails(t, cli.ExitRefused, fmt.Sprintf("task %d was not rescheduled: it is running: only created tasks can be rescheduled", is.due),
			"tasks", "reschedule", text(is.due), "--now")
	})
}

func TestTasksRefusedByID(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		is := s.scene(t)
		refused := func(code int, text string, args ...string) {
			t.Helper()
			s.fails(t, code, text, append([]string{"tasks"}, args...)...)
		}
		refused(cli.ExitRefused, fmt.Sprintf("firefly: task %d was not deleted: the task is running: cancel it first, or wait for its end", is.running),
			"delete", text(is.running))
		refused(cli.ExitNotFound, "firefly: task 901 was not deleted: no such task", "delete", "901")
		refused(cli.ExitRefused, fmt.Sprintf("task %d was not retried: it is completed: only failed or cancelled tasks can be retried", is.completed),
			"retry", text(is.completed))
		refused(cli.ExitRefused, fmt.Sprintf("task %d was not cancelled: it is failed: only created or running tasks can be cancelled", is.failed),
			"cancel", text(is.failed))
		s.ok(t, "tasks", "cancel", text(is.running), text(is.due))
		refused(cli.ExitRefused, "it runs, and was asked to end before", "cancel", text(is.running))

		s.insert(t, store.NewTask{Name: "shop.mail", Queue: "mail", UniqueKey: "mail:7"})
		refused(cli.ExitRefused, fmt.Sprintf("task %d was not retried: another live task holds the unique key: retry it when that one is over", is.due),
			"retry", text(is.due))

		r := s.fails(t, cli.ExitNotFound, "firefly: 2 of 2 tasks were not retried", "tasks", "retry", "901-902")
		if r.stdout != "retried 0 tasks\n" || strings.Count(r.stderr, ": no such task\n") != 2 {
			t.Errorf("%+v", r)
		}
		r = s.fails(t, cli.ExitRefused, "firefly: 2 of 3 tasks were not deleted", "tasks", "delete", text(is.running), text(is.failed), "901", "-o", "json")
		var got any
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("map[action:delete changed:1 dry_run:false matched:3 refused:[map[error:%v: cancel it first, or wait for its end id:%d] "+
			"map[error:no such task id:901]]]", store.ErrRunning, is.running)
		if fmt.Sprint(got) != want {
			t.Errorf("%v\nnot %s", got, want)
		}
		s.wantStatuses(t, []int64{is.failed})
	})
}

func TestTasksByFilter(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		ids := s.insert(t, slices.Repeat([]store.NewTask{{Queue: "a"}}, 8)...)
		s.fail(t, "a", 7, "lost")
		s.insert(t, store.NewTask{Queue: "b"})
		s.fail(t, "b", 1, "in another queue")

		r := s.fails(t, cli.ExitUsage, "firefly: nothing was retried: add --yes to retry 7 tasks", "tasks", "retry", "--queue", "a")
		golden(t, "tasks_retry_preview", r.stdout)
		golden(t, "tasks_retry_dry_run", s.ok(t, "tasks", "retry", "--error", "lost", "--id", "1-3", "--yes", "--dry-run"))
		golden(t, "tasks_retry_json", s.ok(t, "tasks", "retry", "--queue", "a", "--dry-run", "-o", "json"))
		golden(t, "tasks_delete_left_out", s.ok(t, "tasks", "delete", "--status", "created,running", "--queue", "a", "--dry-run"))
		if out := s.ok(t, "tasks", "retry", "1", "2", "8", "--dry-run"); !strings.HasPrefix(out, "2 tasks to retry:\n") {
			t.Error(out)
		}
		s.wantStatuses(t, ids[:2], store.Failed, store.Failed)

		if out := s.ok(t, "tasks", "retry", "--queue", "a", "--yes"); !strings.HasSuffix(out, "\nretried 7 tasks\n") {
			t.Error(out)
		}
		s.claim(t, "a", 8)
		if out := s.ok(t, "tasks", "cancel", "--queue", "a", "--yes"); !strings.HasSuffix(out, "\ncancelled 8 tasks: 0 ended, 8 still running and asked to end\n") {
			t.Error(out)
		}
		if out := s.ok(t, "tasks", "delete", "--queue", "a", "--yes"); out != "no task matches\n" {
			t.Error(out)
		}
		if out := s.ok(t, "tasks", "delete", "--queue", "nobody", "--yes", "-o", "json"); !strings.Contains(out, `"matched": 0`) {
			t.Error(out)
		}
	})
}

func TestTasksOlderThan(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		old := s.insert(t, store.NewTask{})
		s.complete(t, "default", 1, "1")
		s.advance(2 * time.Hour)
		young := s.insert(t, store.NewTask{})
		s.complete(t, "default", 1, "2")
		if out := s.ok(t, "tasks", "delete", "--older-than", "1h", "--yes", "-o", "json"); !strings.Contains(out, `"changed": 1,`) {
			t.Error(out)
		}
		s.wantStatuses(t, append(old, young...), store.Completed)
	})
}

func TestTasksRefusedByFilter(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		var tasks []store.NewTask
		for i := range 30 {
			tasks = append(tasks, store.NewTask{UniqueKey: fmt.Sprint("key:", i)})
		}
		ids := s.insert(t, tasks...)
		s.fail(t, "default", 30, "lost")
		for i := range tasks {
			tasks[i].ID = 0
		}
		s.insert(t, tasks[:25]...)
		r := s.fails(t, cli.ExitRefused, "firefly: 25 of 30 tasks were not retried", "tasks", "retry", "--status", "failed", "--yes")
		if !strings.HasSuffix(r.stdout, "\nretried 5 tasks\n") || strings.Count(r.stderr, "another live task holds the unique key") != 20 {
			t.Errorf("%s\n%s", r.stdout, r.stderr)
		}
		s.wantStatuses(t, ids[24:26], store.Failed, store.Created)
	})
}
