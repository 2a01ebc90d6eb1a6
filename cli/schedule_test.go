package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

func TestSchedule(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		golden(t, "schedule", s.ok(t, "schedule", "math.add", "[1, 2]")+
			s.ok(t, "schedule", "math.add", "--queue", "sums", "--delay", "1d12h"))
		golden(t, "schedule.json", s.ok(t, "schedule", "mail.send", `{"to": ["a@b", 12345678901234567890]}`, "-o", "json",
			"--queue", "mail", "--eta", "2026-01-31 15:04:05.25", "--max-retries", "3", "--retry-delay", "90s", "--priority", "-2",
			"--unique", "a key", "--timeout", "1h"))
	})
}

func TestScheduleStoresWhatItPrints(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		printed := s.ok(t, "schedule", "x", `{"a": 1}`, "-o", "json", "--eta", "9000-01-01T00:00:00+01:00")
		task := s.task(t, idOf(t, printed))
		want, err := json.MarshalIndent(task, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if printed != string(want)+"\n" {
			t.Errorf("printed %s\nstored %s", printed, want)
		}
		if due := time.Date(8999, 12, 31, 23, 0, 0, 0, time.UTC); !task.Due.Equal(due) {
			t.Errorf("due %v, not %v", task.Due, due)
		}
	})
}

func TestScheduleUnique(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		id := idOf(t, s.ok(t, "schedule", "x", "1", "--unique", "k", "-o", "json"))
		if got := s.ok(t, "schedule", "x", "2", "--unique", "k"); !strings.Contains(got, "nothing was scheduled") {
			t.Error(got)
		}
		if got := string(s.task(t, id).Params); got != "1" {
			t.Errorf("the task that was there has the params %s", got)
		}
		r := s.run(t, "schedule", "x", "3", "--unique", "k", "--replace", "-o", "json")
		if idOf(t, r.stdout) != id || !strings.Contains(r.stderr, "was replaced") || r.code != cli.ExitOK {
			t.Errorf("%+v", r)
		}
		if got := string(s.task(t, id).Params); got != "3" {
			t.Errorf("the task that was replaced has the params %s", got)
		}
	})
}

func TestScheduleWrongUsage(t *testing.T) {
	s := onSQLite(t)
	for _, test := range []struct {
		text string
		args []string
	}{
		{"NAME is missing", nil},
		{`unexpected argument "2"`, []string{"x", "1", "2"}},
		{`PARAMS are no JSON: invalid character 'h' looking for beginning of value, at byte 1, near "hello"`, []string{"x", "hello"}},
		{`at byte 8, near "{\"a\": 1]"`, []string{"x", `{"a": 1]`}},
		{"unexpected end of JSON input", []string{"x", ""}},
		{"they are not UTF-8", []string{"x", "\"\xff\""}},
		{`name "a b" holds ' '`, []string{"a b"}},
		{`queue is empty`, []string{"x", "--queue", ""}},
		{"priority 3 is not between -2 and 2", []string{"x", "--priority", "3"}},
		{"write a duration as 90s", []string{"x", "--delay", "-1s"}},
		{"write a time as", []string{"x", "--eta", "tomorrow"}},
		{"--eta and --delay exclude each other", []string{"x", "--eta", "2026-01-31 15:04", "--delay", "0s"}},
		{"--replace needs --unique", []string{"x", "--replace"}},
	} {
		s.fails(t, cli.ExitUsage, test.text, append([]string{"schedule"}, test.args...)...)
	}
	if tasks, err := s.store.List(t.Context(), store.Filter{}, store.Page{}); err != nil || len(tasks) > 0 {
		t.Errorf("there are tasks: %v, %v", tasks, err)
	}
}

func TestScheduleReadsParams(t *testing.T) {
	s := onSQLite(t)
	read := func(input string) result {
		var stdout, stderr bytes.Buffer
		cmd := cli.Command(s.config)
		cmd.SetArgs([]string{"schedule", "x", "-", "-o", "json"})
		cmd.SetIn(strings.NewReader(input))
		cmd.SetOut(&stdout)
		cmd.SetErr(&stderr)
		code := cli.Run(t.Context(), cmd)
		return result{stdout.String(), stderr.String(), code}
	}
	r := read(" [1,\n2] \n")
	if got := s.task(t, idOf(t, r.stdout)); string(got.Params) != "[1,2]" || got.Encoding != "json" {
		t.Errorf("%+v", got)
	}
	if r := read("[1,\n2"); r.code != cli.ExitUsage || !strings.Contains(r.stderr, "unexpected end of JSON input, at byte 5") {
		t.Errorf("%+v", r)
	}
	if r := read(`"` + strings.Repeat("x", store.MaxPayload)); r.code != cli.ExitUsage || !strings.Contains(r.stderr, "too large") {
		t.Errorf("%+v", r)
	}
}

func TestScheduleStoresJSONWhateverTheCodec(t *testing.T) {
	s := onSQLite(t)
	s.config.Client = firefly.ClientConfig{Codec: firefly.Base64(firefly.JSON), Defaults: []firefly.Option{firefly.Queue("app"), firefly.MaxRetries(7)}}
	got := s.task(t, idOf(t, s.ok(t, "schedule", "x", "-o", "json", "--max-retries", "0")))
	if got.Encoding != "json" || string(got.Params) != "null" {
		t.Errorf("%s %q", got.Encoding, got.Params)
	}
	if got.Queue != "app" || got.MaxRetries != 0 {
		t.Errorf("the client's defaults are not the defaults of flags: %+v", got)
	}
}

func TestScheduleInterrupted(t *testing.T) {
	s := onSQLite(t)
	in, typing := io.Pipe() // nobody does
	defer typing.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := cli.Command(s.config)
	cmd.SetArgs([]string{"schedule", "x", "-"})
	cmd.SetIn(in)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	time.AfterFunc(10*time.Millisecond, cancel)
	if code := cli.Run(ctx, cmd); code != cli.ExitInterrupted {
		t.Errorf("while it reads: exit code %d", code)
	}
	if r := s.runIn(ctx, t, "schedule", "x"); r.code != cli.ExitInterrupted {
		t.Errorf("while it stores: %+v", r)
	}
}

// idOf returns the id of a task that was printed as JSON.
func idOf(t *testing.T, printed string) int64 {
	t.Helper()
	var task struct{ ID int64 }
	if err := json.Unmarshal([]byte(printed), &task); err != nil || task.ID == 0 {
		t.Fatalf("%v: no task: %s", err, printed)
	}
	return task.ID
}

// task returns a task as it is stored.
func (s *shell) task(t *testing.T, id int64) store.Task {
	t.Helper()
	tasks, err := s.store.Get(t.Context(), []int64{id})
	if err != nil || len(tasks) != 1 {
		t.Fatalf("task %d: %v, %v", id, tasks, err)
	}
	return tasks[0]
}

// schedule schedules a task and returns its id, as people and scripts write it.
func (s *shell) schedule(t *testing.T, args ...string) string {
	t.Helper()
	return itoa(idOf(t, s.ok(t, append([]string{"schedule", "-o", "json"}, args...)...)))
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

func parse(t *testing.T, id string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
