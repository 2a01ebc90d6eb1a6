//go:build unix

package servers

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed" // for the guard's script
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed guard.sh
var guardScript string

// A guard is a shell that owns a temporary folder and the one server that runs in it, and sees that
// neither outlives this process: it reads from a pipe that is open for writing here and nowhere
// else, so not even a SIGKILL escapes it. It makes the folder and starts the server itself, so that
// there is no moment at which they are there and it is not.
type guard struct {
	dir     string
	shell   *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
}

// newGuard starts a guard as a user. The signal is the quickest end after which the server leaves
// nothing behind.
func newGuard(name, signal string, as *syscall.Credential) (*guard, error) {
	dir := filepath.Join(os.TempDir(), "firefly-"+name+"-"+strings.ToLower(rand.Text()[:10]))
	arguments := []string{"-c", guardScript, "guard", dir, signal}
	shell := exec.CommandContext(context.Background(), "sh", arguments...) //nolint:gosec // see guard.sh
	// The user may not be allowed to look into this process's folder.
	shell.Dir = "/"
	shell.SysProcAttr = &syscall.SysProcAttr{
		Credential: as,
		Setsid:     true, // an interrupt from the terminal is for the tests; their end is for the guard
	}
	orders, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := shell.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := shell.Start(); err != nil {
		return nil, err
	}
	g := &guard{dir: dir, shell: shell, orders: orders, answers: bufio.NewReader(answers)}
	refusal, err := g.answer()
	if err == nil && refusal != "" {
		err = errors.New(refusal) // of mkdir
	}
	if err != nil {
		return nil, errors.Join(err, g.end())
	}
	return g, nil
}

// path returns the name of a file in the guard's folder.
func (g *guard) path(name string) string { return filepath.Join(g.dir, name) }

// order lets the shell run a line, and returns the line that it answers.
func (g *guard) order(line string) (string, error) {
	if _, err := io.WriteString(g.orders, line+"\n"); err != nil {
		return "", fmt.Errorf("the server's guard is gone: %w", err)
	}
	return g.answer()
}

func (g *guard) answer() (string, error) {
	line, err := g.answers.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the server's guard is gone: %w", err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// toLog makes a command read nothing and write to the log, in the guard's folder.
const (
	logFile = "log"
	toLog   = " </dev/null >>" + logFile + " 2>&1"
)

// run runs a command to its end.
func (g *guard) run(command ...string) error {
	status, err := g.order(quote(command) + toLog + "; echo $?")
	if err == nil && status != "0" {
		err = fmt.Errorf("%s: exit status %s: %s", command[0], status, g.tail())
	}
	return err
}

// start starts the server, waits until it is ready, and returns its process id.
func (g *guard) start(ready func(pid int) bool, command ...string) (int, error) {
	answer, err := g.order(quote(command) + toLog + " & pid=$!; echo $pid")
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(answer)
	if err == nil {
		err = await(pid, ready)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("%s: %w: %s", command[0], err, g.tail()), g.kill())
	}
	return pid, nil
}

// await waits until a server is ready.
func await(pid int, ready func(pid int) bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		running, err := alive(pid)
		switch {
		case err != nil:
			return err
		case len(running) == 0:
			return errors.New("it did not start")
		case ready(pid):
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("it was not ready within %s", patience)
		}
	}
}

// kill kills the server, if that has not been done, and waits for its end.
func (g *guard) kill() error {
	_, err := g.order(`kill -KILL "$pid"; wait "$pid"; pid=; echo`)
	return err
}

// end kills the server and removes the folder.
func (g *guard) end() error {
	if err := g.orders.Close(); err != nil {
		return err
	}
	return g.shell.Wait()
}

// log returns what the commands have written, if any has been given.
func (g *guard) log() string {
	text, _ := os.ReadFile(g.path(logFile))
	return string(text)
}

// tail returns the end of the log, for a message.
func (g *guard) tail() string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(g.log()), "\n")
	return "its log ends:\n" + strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// quote writes a command for the shell.
func quote(command []string) string {
	quoted := make([]string, len(command))
	for i, word := range command {
		quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
