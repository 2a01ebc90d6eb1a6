//go:build unix

package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

// A tty is a program on a terminal of its own.
type tty struct {
	cmd      *exec.Cmd
	terminal *os.File // its other end

	mu      sync.Mutex
	seen    bytes.Buffer
	changed chan struct{}
	done    chan struct{}
}

// onTTY starts a program on a terminal.
func onTTY(t *testing.T, cmd *exec.Cmd, rows, columns uint16) *tty {
	t.Helper()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	y := &tty{cmd: cmd, terminal: terminal, changed: make(chan struct{}, 1), done: make(chan struct{})}
	go y.read()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
		_ = terminal.Close()
		<-y.done
	})
	return y
}

// read reads until the program closes the terminal.
func (y *tty) read() {
	defer close(y.done)
	part := make([]byte, 4096)
	for {
		n, err := y.terminal.Read(part)
		y.mu.Lock()
		y.seen.Write(part[:n])
		y.mu.Unlock()
		select {
		case y.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (y *tty) text() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.seen.String()
}

// frame returns the last frame that is there in full, line by line.
func (y *tty) frame() []string {
	frames := strings.Split(y.text(), "\x1b[H\x1b[2K")
	if len(frames) < 3 {
		return nil
	}
	return strings.Split(frames[len(frames)-2], "\r\n\x1b[2K")
}

// await waits until the terminal shows what is wanted.
func (y *tty) await(t *testing.T, wanted func() bool) {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for !wanted() {
		select {
		case <-y.changed:
		case <-late.C:
			t.Fatalf("it does not come: %q", y.text())
		}
	}
}

// awaitFrame waits for a frame that is as wanted.
func (y *tty) awaitFrame(t *testing.T, wanted func(lines []string) bool) (lines []string) {
	t.Helper()
	y.await(t, func() bool {
		lines = y.frame()
		return lines != nil && wanted(lines)
	})
	return lines
}

// wait returns the exit code.
func (y *tty) wait() int {
	_ = y.cmd.Wait()
	<-y.done
	return y.cmd.ProcessState.ExitCode()
}

func TestStatsWatchOnATerminal(t *testing.T) {
	s := onSQLite(t)
	for i := range 12 {
		s.put(t, fmt.Sprintf("queue-%02d", i), i+1)
	}
	cmd := s.program(t, "stats", "--watch", "--interval", "20ms")
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
	y := onTTY(t, cmd, 10, 40)

	lines := y.awaitFrame(t, func(lines []string) bool { return len(lines) == 10 })
	if got := lines[9]; got != "… and 7 more" {
		t.Errorf("the last line is %q", got)
	}
	if rows := aRow.FindAllString(strings.Join(lines, "\n"), -1); len(rows) != 1+5 {
		t.Errorf("%d rows in %q", len(rows), lines)
	}

	// The next frames are as high as the window is now, and show what has happened.
	if err := pty.Setsize(y.terminal, &pty.Winsize{Rows: 20, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	s.put(t, "queue-11", 100)
	lines = y.awaitFrame(t, func(lines []string) bool { return len(lines) == 20 && strings.Contains(lines[15], " 112 ") })
	if rows := aRow.FindAllString(strings.Join(lines, "\n"), -1); len(rows) != 1+12 || lines[16] != "" || lines[19] != "" {
		t.Errorf("%d rows in %q", len(rows), lines)
	}

	if _, err := y.terminal.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	code := y.wait()
	text := y.text()
	if code != cli.ExitOK || strings.Count(text, "\x1b[?1049h\x1b[?25l\x1b[?7l") != 1 || !strings.HasSuffix(text, "\x1b[?7h\x1b[?25h\x1b[?1049l") {
		t.Errorf("exit code %d, at the end %q", code, text[max(0, len(text)-200):])
	}
}

// A watch outlives a restart of its server.
func TestStatsWatchOutageOnATerminal(t *testing.T) {
	server := servers.NewPostgreSQL(t)
	s := newShell(t, server.Database(t))
	s.put(t, "mail", 7)
	cmd := s.program(t, "stats", "--watch", "--interval", "50ms")
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
	y := onTTY(t, cmd, 8, 200)
	isThere := func(lines []string) bool {
		return strings.HasSuffix(lines[0], "every 50ms; Ctrl-C ends it") && strings.Contains(lines[4], " 7 ")
	}
	y.awaitFrame(t, isThere)
	server.Kill(t)
	lines := y.awaitFrame(t, func(lines []string) bool { return strings.Contains(lines[0], "; trying again: ") })
	if len(lines) != 8 || !strings.Contains(lines[4], " 7 ") {
		t.Errorf("the last numbers are gone: %q", lines)
	}
	server.Restart(t)
	y.awaitFrame(t, isThere)
	if _, err := y.terminal.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	if code := y.wait(); code != cli.ExitOK {
		t.Errorf("exit code %d", code)
	}
}

// What is read once, and what is meant for programs, is not drawn.
func TestStatsOnATerminalAsLines(t *testing.T) {
	s := onSQLite(t)
	s.put(t, "mail", 1)
	for name, test := range map[string]struct {
		args []string
		env  string
		want string
	}{
		"once":            {[]string{"stats"}, "TERM=xterm", "mail        no            \x1b[34m1\x1b[0m  "},
		"json":            {[]string{"stats", "--watch", "--interval", "20ms", "-o", "json"}, "TERM=xterm", "}]}\r\n{"},
		"a dumb terminal": {[]string{"stats", "--watch", "--interval", "20ms"}, "TERM=dumb", " -\r\n\r\n20"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := s.program(t, test.args...)
			cmd.Env = append(cmd.Env, test.env)
			y := onTTY(t, cmd, 24, 80)
			y.await(t, func() bool { return strings.Contains(y.text(), test.want) })
			if slices.Contains(test.args, "--watch") { // the other one is about to end by itself
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			if code := y.wait(); code != cli.ExitOK || strings.Contains(y.text(), "\x1b[?") || strings.Contains(y.text(), "\x1b[H") {
				t.Errorf("exit code %d, %q", code, y.text())
			}
		})
	}
}
