package cli_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

// onTerminal runs a program, whose streams that are not set are a terminal, and returns what that shows.
func onTerminal(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	shown, err := io.ReadAll(terminal)
	if err != nil && !errors.Is(err, syscall.EIO) { // which is how Linux says that the program has ended
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, shown)
	}
	return string(shown)
}

func TestColours(t *testing.T) {
	s := onSQLite(t)
	s.scene(t)
	for _, test := range []struct {
		name string
		env  string
		want bool
	}{
		{"on a terminal", "TERM=xterm", true},
		{"not wanted", "NO_COLOR=1", false},
		{"not understood", "TERM=dumb", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, command := range []string{"list", "show"} {
				cmd := s.program(t, "tasks", command)
				if command == "show" {
					cmd.Args = append(cmd.Args, "1-8")
				}
				cmd.Env = append(cmd.Env, test.env)
				if shown := onTerminal(t, cmd); strings.Contains(shown, "\x1b[31mfailed\x1b[0m") != test.want {
					t.Errorf("colours: want %t in\n%s", test.want, shown)
				}
			}
		})
	}
	t.Run("into a pipe", func(t *testing.T) {
		out, err := s.program(t, "tasks", "list").Output()
		if err != nil || bytes.ContainsRune(out, '\x1b') {
			t.Errorf("error %v, output\n%s", err, out)
		}
	})
}

func TestHostileTexts(t *testing.T) {
	s := onSQLite(t)
	const text = "a\x1b[2J\u009b31m\x07\r\nb"
	s.insert(t,
		store.NewTask{Params: []byte(text), Meta: map[string]string{text: text}},
		store.NewTask{Params: []byte("\"\u009b\""), Queue: "waiting"},
		store.NewTask{Queue: "running"})
	s.fail(t, "default", 1, text)
	s.worker = text
	s.claim(t, "running", 1)
	for _, args := range [][]string{
		{"list"}, {"list", "-o", "json"}, {"show", "1-3"}, {"show", "1-3", "-o", "json"},
		{"delete", "--queue", "default", "--dry-run"}, {"delete", "--error", text, "--dry-run"},
	} {
		cmd := s.program(t, append([]string{"tasks"}, args...)...)
		cmd.Env = append(cmd.Env, "NO_COLOR=1")
		shown := strings.ReplaceAll(onTerminal(t, cmd), "\r\n", "\n") // as a terminal ends its lines
		if i := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0) }); i >= 0 {
			t.Errorf("%v: %q in\n%q", args, shown[i], shown)
		}
	}
}

func TestProgress(t *testing.T) {
	s := onSQLite(t)
	s.insert(t, make([]store.NewTask, 1500)...)
	cmd := s.program(t, "tasks", "reschedule", "--status", "created", "--now", "--yes")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if shown := onTerminal(t, cmd); !strings.Contains(shown, "reschedule") || !strings.Contains(shown, "(1500/1500)") {
		t.Errorf("no progress in %q", shown)
	}
	if !strings.HasSuffix(stdout.String(), "\nrescheduled 1,500 tasks\n") {
		t.Error(stdout.String())
	}
	cmd = s.program(t, "tasks", "delete", "--status", "created", "--yes")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || stderr.String() != "" {
		t.Errorf("error %v, and where no terminal is, %q", err, stderr.String())
	}
}

func TestClosedPipe(t *testing.T) {
	s := onSQLite(t)
	ids := s.insert(t, make([]store.NewTask, 300)...)
	for _, args := range []string{"list --limit 0", "list --limit 0 -o json", "show 1-3", "delete --status created --yes"} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = read.Close()
		cmd := s.program(t, append([]string{"tasks"}, strings.Fields(args)...)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = write, &stderr
		_ = cmd.Run()
		_ = write.Close()
		const want = "firefly: the output was closed before all was written\n"
		if code := cmd.ProcessState.ExitCode(); code != cli.ExitClosedPipe || stderr.String() != want {
			t.Errorf("%s: exit code %d and %q", args, code, stderr.String())
		}
	}
	if !slices.Equal(s.statuses(t, ids[0]), []store.Status{store.Created}) {
		t.Error("tasks were deleted that could not be shown before")
	}
}
