package cli_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

// listed returns the ids that a list as JSON has.
func (s *shell) listed(t *testing.T, args ...string) (ids []int64) {
	t.Helper()
	var tasks []struct {
		ID int64 `json:"id"`
	}
	out := s.ok(t, append([]string{"tasks", "list", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &tasks); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}

func TestTasksList(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		s.scene(t)
		golden(t, "tasks_list", s.ok(t, "tasks", "list"))
		golden(t, "tasks_list_json", s.ok(t, "tasks", "list", "-o", "json"))
	})
}

func TestTasksListFilters(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		is := s.scene(t)
		for _, test := range []struct {
			flags string
			want  []int64
		}{
			{"--id 2,4-5", []int64{is.due, is.completed, is.failed}},
			{"--id 2 --id 4", []int64{is.due, is.completed}},
			{"--status failed,cancelled", []int64{is.failed, is.cancelled}},
			{"--queue mail,again", []int64{is.due, is.again}},
			{"--name shop.mail", []int64{is.due}},
			{"--name shop.mail --status failed", nil},
			{"--error refused", []int64{is.again}},
			{"--older-than 1h", nil},
			{"--newest --limit 2", []int64{is.paused, is.again}},
			{"--newest --limit 2 --after 3", []int64{is.due, is.later}},
			{"--id 1-10000 --status created --queue paused --limit 0", []int64{is.paused}},
			{"--after 6 --limit 0", []int64{is.again, is.paused}},
		} {
			if got := s.listed(t, strings.Fields(test.flags)...); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("%s: %v, not %v", test.flags, got, test.want)
			}
		}
		s.advance(2 * time.Hour)
		s.insert(t, store.NewTask{})
		if got := s.listed(t, "--older-than", "1h"); len(got) != 8 {
			t.Errorf("eight tasks are older than an hour, not %v", got)
		}
	})
}

func TestTasksListPages(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		ids := s.insert(t, make([]store.NewTask, 450)...) // three pages, one of them not full
		if got := s.listed(t, "--limit", "0"); fmt.Sprint(got) != fmt.Sprint(ids) {
			t.Errorf("listed %d tasks of %d", len(got), len(ids))
		}
		if lines := strings.Count(s.ok(t, "tasks", "list", "--limit", "0"), "\n"); lines != 451 {
			t.Errorf("%d lines for 450 tasks and one head", lines)
		}
		for limit, more := range map[int]string{450: "", 449: fmt.Sprintf("more: --after %d\n", ids[448]), 200: fmt.Sprintf("more: --after %d\n", ids[199])} {
			r := s.run(t, "tasks", "list", "--limit", strconv.Itoa(limit))
			if lines := strings.Count(r.stdout, "\n"); lines != limit+1 || r.stderr != more {
				t.Errorf("limit %d: %d lines, and %q, not %q", limit, lines, r.stderr, more)
			}
		}
	})
}

func TestTasksListOfNothing(t *testing.T) {
	s := onSQLite(t)
	if r := s.run(t, "tasks", "list"); r != (result{stderr: "no task matches\n"}) {
		t.Errorf("%+v", r)
	}
	if out := s.ok(t, "tasks", "list", "-o", "json"); out != "[]\n" {
		t.Error(out)
	}
}

func TestWrongFilters(t *testing.T) {
	s := onSQLite(t)
	s.config.Store = nil // it must not be asked
	for _, test := range []struct {
		text string
		args []string
	}{
		{
			`filter: --limit -1 is negative; --after -2 is negative; ids: "x" is no task's id: give a positive number; ` +
				`"9-3" is no range of ids: give the lower one first, as in 7-20; --older-than 0s is not positive; ` +
				`--queue has an empty value; --status: "done" is none of created,running,completed,failed,cancelled`,
			[]string{"list", "--limit", "-1", "--after", "-2", "--id", "x,9-3", "--status", "done", "--queue", "a,", "--older-than", "0s"},
		},
		{"--queue has an empty value", []string{"delete", "--queue", "", "--yes"}},
		{`--queue " b" holds ' '`, []string{"delete", "--queue", "a, b", "--yes"}},
		{"--name has an empty value", []string{"delete", "--name=", "--yes"}},
		{"--error has an empty value", []string{"delete", "--error", "", "--yes"}},
		{"--id has an empty value", []string{"delete", "--id", "", "--yes"}},
		{"--older-than has an empty value", []string{"delete", "--older-than", "", "--yes"}},
		{"more than 10,000 ids", []string{"list", "--id", "1-10001"}},
		{"more than 10,000 ids", []string{"list", "--id", "1-9223372036854775807"}},
		{`"x" is no task's id`, []string{"show", "x"}},
		{"ID is missing", []string{"show"}},
		{`unexpected argument "7"`, []string{"list", "7"}},
		{"to mean every task, name every status: --status created,running,completed,failed,cancelled", []string{"delete", "--yes"}},
		{"name ids or give a filter, not both", []string{"delete", "7", "--queue", "a"}},
		{"no created or running task can be retried, only a failed or cancelled one", []string{"retry", "--status", "created,running"}},
		{"say when, by one of --eta, --delay and --now", []string{"reschedule", "7"}},
		{"say when, by one of --eta, --delay and --now", []string{"reschedule", "7", "--now", "--delay", "1h"}},
		{`"soon"`, []string{"reschedule", "7", "--eta", "soon"}},
		{`"soon"`, []string{"reschedule", "7", "--delay", "soon"}},
		{`invalid argument "-1h" for "--delay" flag`, []string{"reschedule", "7", "--delay=-1h"}},
		{`unknown command "lst" for "firefly tasks": did you mean list?`, []string{"lst"}},
	} {
		s.fails(t, cli.ExitUsage, test.text, append([]string{"tasks", "--store", "nothing://"}, test.args...)...)
	}
}
