//go:build unix

package cli_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

const patience = 30 * time.Second // that no test needs, unless something is wrong

func TestProcessesShareAStore(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		scheduled := s.finish(t, s.start(t, "schedule", "sum", "[1, 41]", "-o", "json"))
		id := itoa(idOf(t, scheduled.stdout))
		const command = `tr "[]," "   " | awk '{ print $1 + $2 }'`
		consumed := s.finish(t, s.start(t, "consume", "--drain", "--exec", "sum="+command))
		if !strings.Contains(consumed.stderr, "completed=1 retried=0 failed=0") {
			t.Errorf("consume did not say what it did:\n%s", consumed.stderr)
		}
		if got := s.finish(t, s.start(t, "wait", id)); got.stdout != "42\n" {
			t.Errorf("%+v", got)
		}
	})
}

func TestConsumeFinishesItsWorkWhenItIsTerminated(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			s := onSQLite(t)
			f, goOn := newFIFO(t), filepath.Join(t.TempDir(), "go on")
			id := s.schedule(t, "x")
			p := s.start(t, "consume", "--exec", `x=exec 9>`+f.path+`; until [ -e "`+goOn+`" ]; do sleep 0.02; done; echo 7`)
			f.expect(t, "opened")
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(goOn, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := s.finish(t, p); !strings.Contains(r.stderr, "why=interrupted completed=1") {
				t.Error(r.stderr)
			}
			if got := s.ok(t, "wait", id, "--for", "0"); got != "7\n" {
				t.Error(got)
			}
		})
	}
}

// stubborn is a command of three processes, of which one ignores SIGTERM. All hold a FIFO open.
func stubborn(f *fifo) string {
	return `echo begun >&2; trap "" TERM; exec 9>` + f.path + `; sleep 1000 & trap - TERM; sleep 1000 & wait`
}

func TestEndedCommandsLeaveNoProcess(t *testing.T) {
	for _, test := range []struct {
		name   string
		flags  []string // of consume
		args   []string // of schedule
		end    func(t *testing.T, s *shell, p *process, id string)
		status store.Status
		text   string // of the error
	}{
		{
			"time-out", nil, []string{"--timeout", "1s"},
			func(*testing.T, *shell, *process, string) {}, store.Failed, "the run took longer than its timeout: begun",
		},
		{
			"cancelled", nil, nil,
			func(t *testing.T, s *shell, _ *process, id string) {
				t.Helper()
				if _, err := s.store.Cancel(t.Context(), store.Filter{IDs: []int64{parse(t, id)}}, 0); err != nil {
					t.Error(err)
				}
			}, store.Cancelled, "the task was cancelled: begun",
		},
		{
			"shutdown", []string{"--grace", "0"}, nil,
			func(t *testing.T, _ *shell, p *process, _ string) {
				t.Helper()
				if err := p.Process.Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
			}, store.Created, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, f := onSQLite(t), newFIFO(t)
			id := s.schedule(t, append([]string{"x"}, test.args...)...)
			p := s.start(t, append([]string{"consume", "--drain", "--lease", "3s", "--exec", "x=" + stubborn(f)}, test.flags...)...)
			f.expect(t, "opened")
			test.end(t, s, p, id)
			f.expect(t, "closed")
			r := s.finish(t, p)
			task, text := s.task(t, parse(t, id)), ""
			if len(task.Errors) > 0 {
				text = task.Errors[0].Text
			}
			if task.Status != test.status || !strings.HasSuffix(text, test.text) {
				t.Errorf("the task is %s, not %s: %s\n%s", task.Status, test.status, text, r.stderr)
			}
		})
	}
}

func TestWhatACommandLeavesInTheBackgroundHoldsNothingUp(t *testing.T) {
	s, f := onSQLite(t), newFIFO(t)
	goOn := filepath.Join(t.TempDir(), "go on")
	got, log := s.execute(t, `(exec 9>`+f.path+`; until [ -e "`+goOn+`" ]; do sleep 0.02; done) & echo 7`)
	if string(got.Returned) != "7" {
		t.Errorf("%s returned %s\n%s", got.Status, got.Returned, log)
	}
	f.expect(t, "opened")
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "closed")
}

func TestConsumeTakesOverFromOneThatWasKilled(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		if s.url == "" {
			t.Skip("a store in memory is this process's only")
		}
		f, goOn := newFIFO(t), filepath.Join(t.TempDir(), "go on")
		id := s.schedule(t, "x")
		p := s.start(t, "consume", "--lease", "1s", "--exec", `x=exec 9>`+f.path+`; until [ -e "`+goOn+`" ]; do sleep 0.02; done`)
		f.expect(t, "opened")
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if s.wait(t, p); p.ProcessState.Success() {
			t.Error("consume has ended by itself")
		}
		next := s.start(t, "consume", "--lease", "1s", "--exec", `x=echo "$FIREFLY_ATTEMPT"`)
		if got := s.ok(t, "wait", id, "--for", patience.String()); got != "2\n" {
			t.Errorf("returned by attempt %s", got)
		}
		if err := next.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.finish(t, next)
		if err := os.WriteFile(goOn, nil, 0o600); err != nil { // for what the killed one has left
			t.Fatal(err)
		}
		f.expect(t, "closed")
	})
}

// A process is a command that was started.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan error
}

func (s *shell) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: s.program(t, args...), ended: make(chan error, 1)}
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	p.WaitDelay = time.Second // what it leaves behind may hold its streams
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	return p
}

// wait waits for the end of a process.
func (s *shell) wait(t *testing.T, p *process) {
	t.Helper()
	select {
	case err := <-p.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(patience):
		_ = p.Process.Kill()
		t.Fatalf("%v: not ended within %s\n%s", p.Args, patience, p.stderr.String())
	}
}

// finish waits for the end of a process, which must be a good one.
func (s *shell) finish(t *testing.T, p *process) result {
	t.Helper()
	s.wait(t, p)
	r := result{p.stdout.String(), p.stderr.String(), p.ProcessState.ExitCode()}
	if r.code != cli.ExitOK {
		t.Fatalf("%v: exit code %d\n%s%s", p.Args, r.code, r.stdout, r.stderr)
	}
	return r
}

// A fifo tells when a command has opened it, and when all processes that have it open are gone, as
// nothing else does: a process that nobody waits for keeps its id.
type fifo struct {
	path   string
	events chan string
}

func newFIFO(t *testing.T) *fifo {
	t.Helper()
	f := &fifo{filepath.Join(t.TempDir(), "fifo"), make(chan string, 2)}
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err := os.Open(f.path) // waits for a writer
		if err != nil {
			f.events <- err.Error()
			return
		}
		defer r.Close()
		f.events <- "opened"
		_, _ = io.Copy(io.Discard, r)
		f.events <- "closed"
	}()
	t.Cleanup(func() { // if nobody has opened it
		if w, err := os.OpenFile(f.path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			_ = w.Close()
		}
		<-done
	})
	return f
}

func (f *fifo) expect(t *testing.T, event string) {
	t.Helper()
	select {
	case got := <-f.events:
		if got != event {
			t.Fatalf("the FIFO: %s, not %s", got, event)
		}
	case <-time.After(patience):
		t.Fatalf("the FIFO is not %s within %s", event, patience)
	}
}
