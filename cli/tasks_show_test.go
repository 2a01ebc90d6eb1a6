package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

func TestTasksShow(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		s.scene(t)
		golden(t, "tasks_show", s.ok(t, "tasks", "show", "1-8"))
	})
}

func TestTasksShowJSON(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		is := s.scene(t)
		want, err := json.Marshal(s.get(t, is.completed))
		if err != nil {
			t.Fatal(err)
		}
		var one any
		if err := json.Unmarshal([]byte(s.ok(t, "tasks", "show", text(is.completed), "-o", "json")), &one); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(one); sorted(t, got) != sorted(t, want) {
			t.Errorf("%s, not %s", got, want)
		}
		var several []map[string]any
		if err := json.Unmarshal([]byte(s.ok(t, "tasks", "show", "2,4", "-o", "json")), &several); err != nil {
			t.Fatal(err)
		}
		if len(several) != 2 || several[1]["func_name"] != "shop.charge" {
			t.Errorf("%v", several)
		}
	})
}

// sorted returns a document with its names in order.
func sorted(t *testing.T, document []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTasksShowUnknown(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		id := s.insert(t, store.NewTask{})[0]
		r := s.fails(t, cli.ExitNotFound, "firefly: no such task: 901, 902", "tasks", "show", "901-902", text(id))
		if !strings.HasPrefix(r.stdout, fmt.Sprintf("task %d\n", id)) {
			t.Errorf("the task that is there is not shown: %q", r.stdout)
		}
		if r := s.fails(t, cli.ExitNotFound, "no such task: 901", "tasks", "show", "901", "-o", "json"); r.stdout != "" {
			t.Errorf("no task, but %q", r.stdout)
		}
		if r := s.fails(t, cli.ExitNotFound, "no such task: 901, 902", "tasks", "show", "901,902", "-o", "json"); r.stdout != "[]\n" {
			t.Errorf("no tasks, but %q", r.stdout)
		}
	})
}

func TestTasksShowWhy(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		why := func(id int64, texts ...string) {
			t.Helper()
			out := s.ok(t, "tasks", "show", text(id))
			for _, text := range texts {
				if !strings.Contains(out, text) {
					t.Errorf("it does not say %q:\n%s", text, out)
				}
			}
		}
		ids := s.insert(t, store.NewTask{}, store.NewTask{}, store.NewTask{})
		held := s.claim(t, "default", 3)[0].ID
		why(held, "held by worker host-1 until 20")
		if _, err := s.store.Cancel(t.Context(), store.Filter{IDs: []int64{held}}, 0); err != nil {
			t.Fatal(err)
		}
		why(held, "it was asked to end")
		more := s.insert(t, store.NewTask{}, store.NewTask{Queue: "paused", Delay: time.Hour})
		why(more[0], "in its queue 1 wait, due or not, and 3 run")
		if err := s.store.Pause(t.Context(), []string{"paused"}); err != nil {
			t.Fatal(err)
		}
		why(more[1], `its queue is paused: "firefly queues resume" lets it go on`, "it waits until it is due at 20")

		s.advance(2 * time.Hour) // all leases end
		s.claim(t, "default", 3) // the cancelled one is over
		s.advance(2 * time.Hour)
		s.claim(t, "none", 0) // takes the leases back
		why(ids[1], "it crashed 2 times, so it waits until its worker runs nothing else")
		why(held, fmt.Sprintf(`it is over: "firefly tasks retry %d" makes it due again`, held))
	})
}

func TestTasksShowPayloads(t *testing.T) {
	s := onSQLite(t)
	for _, test := range []struct {
		name, params, want string
	}{
		{"json of one line", `{}`, "  params       {}\n"},
		{"escapes", "\"\u009b31m\\u001b[2J\"", "  params       \"\\u009b31m\\u001b[2J\"\n"},
		{"text", "not json\x1b[2J\nat all", "  params\n    not json [2J\n    at all\n"},
		{"bytes", "\xff\x00", "  params       /wA=\n"},
		{"much", strings.Repeat("long ", 20_000), "long l\n    … of 100,000 bytes: -o json prints all\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := s.insert(t, store.NewTask{Params: []byte(test.params)})[0]
			if out := s.ok(t, "tasks", "show", text(id)); !strings.Contains(out, test.want) {
				t.Errorf("it does not say %q:\n%.3000s", test.want, out)
			}
		})
	}
}
