package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/cli"
)

// asProgram makes the test binary the shop itself.
const asProgram = "FIREFLY_TEST_AS_SHOP"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A program is the shop, running as a process.
type program struct {
	cmd  *exec.Cmd
	logs *bufio.Reader
	read strings.Builder // what it has logged so far
}

func (s *testShop) start(t *testing.T, args ...string) *program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", cli.EnvStore+"="+s.url,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // a second, otherwise
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &program{cmd: cmd, logs: bufio.NewReader(logs)}
}

// await waits until the program has logged text n times.
func (p *program) await(t *testing.T, text string, n int) {
	t.Helper()
	for strings.Count(p.read.String(), text) < n {
		line, err := p.logs.ReadString('\n')
		p.read.WriteString(line)
		if err != nil {
			t.Fatalf("it ended before it logged %q %d times:\n%s", text, n, p.read.String())
		}
	}
}

// end waits until the program has ended, and returns its exit code and all that it logged.
func (p *program) end(t *testing.T) (code int, logs string) {
	t.Helper()
	if _, err := io.Copy(&p.read, p.logs); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // the code says it
	return p.cmd.ProcessState.ExitCode(), p.read.String()
}
