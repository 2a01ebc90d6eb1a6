//go:build unix

package cli_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// execute runs one task with a command, and returns the task as it is then, and what consume logged.
func (s *shell) execute(t *testing.T, command string, args ...string) (store.Task, string) {
	t.Helper()
	id := s.schedule(t, append([]string{"x"}, args...)...)
	r := s.run(t, "consume", "--drain", "--exec", "x="+command)
	if r.code != cli.ExitOK {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	return s.task(t, parse(t, id)), r.stderr
}

func TestExecReturnsTheOutput(t *testing.T) {
	s := onSQLite(t)
	for _, test := range []struct{ name, command, want string }{
		{"a number", `echo 42`, `42`},
		{"an object over lines", `printf '{"a":\n [1, 2]}\n'`, `{"a":[1,2]}`},
		{"no JSON", `echo "it's done"`, `"it's done"`},
		{"one line break is not the text's", `printf 'a\nb\n\n'`, `"a\nb\n"`},
		{"two documents", `printf '1\n2\n'`, `"1\n2"`},
		{"no number", `echo 007`, `"007"`},
		{"nothing", `true`, `null`},
		{"blank", `echo`, `null`},
		{"no UTF-8", `printf '"\377"'`, `"\"` + `\ufffd` + `\""`},
		{"the params", `cat`, `{"a":"it's 1"}`},
		{"the environment", `echo "$FIREFLY_TASK_NAME $FIREFLY_QUEUE $FIREFLY_ATTEMPT"`, `"x default 1"`},
		{"stdin is not read", `exec <&-; echo 1`, `1`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, log := s.execute(t, test.command, `{"a": "it's 1"}`)
			if string(got.Returned) != test.want || got.Status != store.Completed {
				t.Errorf("%s, returned %s, not %s\n%s", got.Status, got.Returned, test.want, log)
			}
		})
	}
	t.Run("the id", func(t *testing.T) {
		got, _ := s.execute(t, `echo "$FIREFLY_TASK_ID"`)
		if string(got.Returned) != itoa(got.ID) {
			t.Errorf("%s, not %d", got.Returned, got.ID)
		}
	})
	t.Run("many params are not read", func(t *testing.T) {
		got, log := s.execute(t, `echo 1`, `"`+strings.Repeat("x", 1<<19)+`"`)
		if got.Status != store.Completed {
			t.Errorf("%s\n%s", got.Status, log)
		}
	})
	t.Run("what is written to the standard error is logged", func(t *testing.T) {
		if _, log := s.execute(t, `echo "a bit slow" >&2`); !strings.Contains(log, `text="a bit slow"`) {
			t.Error(log)
		}
	})
}

func TestExecFails(t *testing.T) {
	s := onSQLite(t)
	for _, test := range []struct {
		name, command, want string
		retried             bool
	}{
		{"the standard error is the error", `echo " no luck " >&2; echo '"out"'; exit 3`, "exit status 3: no luck", true},
		{"without a word", `exit 1`, "exit status 1", true},
		{"by a signal", `kill -9 $$`, "signal: killed", true},
		{"for good", `echo "wrong address" >&2; exit 100`, "exit status 100: wrong address", false},
		{"a command that is not there", `"nosuch-command"`, "not found", true},
		{"control characters", `printf 'a\033[31m\tb\r\nc\n' >&2; exit 1`, "exit status 1: a [31m b\nc", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, log := s.execute(t, test.command, "--max-retries", "1")
			if len(got.Errors) != 1 || !strings.HasSuffix(got.Errors[0].Text, test.want) || (got.Retries == 1) != test.retried {
				t.Errorf("%s, %d retries, errors %q, not %q\n%s", got.Status, got.Retries, got.Errors, test.want, log)
			}
		})
	}
	t.Run("the end of a long text", func(t *testing.T) {
		got, _ := s.execute(t, `awk 'BEGIN { for (i = 0; i < 9999; i++) print "é", i }' >&2; exit 1`)
		text := got.Errors[0].Text
		if !strings.HasSuffix(text, "é 9998") || len(text) < 4000 || len(text) > 4200 || !strings.HasPrefix(text, "exit status 1: …") {
			t.Errorf("%d bytes: %q", len(text), text)
		}
	})
	t.Run("an encoding that is not JSON", func(t *testing.T) {
		codec := hexCodec{firefly.JSON}
		s.config.Worker.Codecs = []firefly.Codec{codec}
		client, err := firefly.NewClient(s.store, firefly.ClientConfig{Codec: codec})
		if err != nil {
			t.Fatal(err)
		}
		h, err := firefly.Declare[int, int]("y").Schedule(t.Context(), client, 7)
		if err != nil {
			t.Fatal(err)
		}
		s.ok(t, "consume", "--drain", "-q", "--exec", "y=cat")
		s.fails(t, cli.ExitTaskFailed, `params in the encoding "hex": a command reads JSON only`, "wait", itoa(h.ID()))
	})
}

func TestExecReadsWhatApplicationsSchedule(t *testing.T) {
	s := onSQLite(t)
	client, err := firefly.NewClient(s.store, firefly.ClientConfig{Codec: firefly.Base64(firefly.JSON)})
	if err != nil {
		t.Fatal(err)
	}
	sum := firefly.Declare[[]int, []int]("x")
	h, err := sum.Schedule(t.Context(), client, []int{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	none, err := firefly.Declare[firefly.None, any]("x").Schedule(t.Context(), client, firefly.None{})
	if err != nil {
		t.Fatal(err)
	}
	s.ok(t, "consume", "--drain", "-q", "--exec", "x=cat")
	if got, err := h.Returned(t.Context()); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := none.Returned(t.Context()); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestExecOutputIsBounded(t *testing.T) {
	s := onSQLite(t)
	s.config.Worker.MaxReturned = 100_000
	got, log := s.execute(t, `yes`, "--max-retries", "1") // which never ends by itself
	if got.Status != store.Failed || !strings.Contains(got.Errors[0].Text, "the output is too large: more than 100000 bytes") {
		t.Errorf("%s: %q\n%s", got.Status, got.Errors, log)
	}
	got, log = s.execute(t, `awk 'BEGIN { for (i = 0; i < 99998; i++) printf "7" }'`) // and two quotation marks
	if got.Status != store.Completed || len(got.Returned) < 99_998 {
		t.Errorf("%s: %d bytes\n%s", got.Status, len(got.Returned), log)
	}
}

func TestExecFindsTheCommandAtStart(t *testing.T) {
	s := onSQLite(t)
	for _, command := range []string{"nosuch-command", " nosuch-command 'a b' | cat", "./nosuch"} {
		s.fails(t, cli.ExitUsage, "--exec x: there is no command", "consume", "--drain", "--exec", "x="+command)
	}
	for _, command := range []string{
		"cat", "/bin/cat", "exit 1", "if true; then echo; fi", "! true", "A=1 nosuch", "$NOSUCH", `"nosuch"`, "~/nosuch", "f() { :; }; f", "{ cat; }",
	} {
		s.ok(t, "consume", "--drain", "-q", "--exec", "x="+command)
	}
}

func TestExecWithJQ(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed: scripts/setup installs it")
	}
	s := onSQLite(t)
	got, log := s.execute(t, `jq '{sum: add, is: "even"}'`, "[1, 3]")
	var returned struct{ Sum int }
	if err := json.Unmarshal(got.Returned, &returned); err != nil || returned.Sum != 4 {
		t.Errorf("%s %v\n%s", got.Returned, err, log)
	}
	got, _ = s.execute(t, `jq add`, "7")
	if got.Status != store.Failed || !strings.Contains(got.Errors[0].Text, "jq: error") {
		t.Errorf("%s: %v", got.Status, got.Errors)
	}
}
