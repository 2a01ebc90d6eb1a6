//go:build unix

package servers_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

// The ways in which a test binary ends.
const (
	exits  = "exits"
	panics = "panics"
	killed = "killed"
)

// envVictim is set, to one of these, for a test binary that is started by another to be its victim.
const envVictim = "FIREFLY_TEST_SERVERS_VICTIM"

func TestServersDoNotOutliveTheBinary(t *testing.T) {
	if end := os.Getenv(envVictim); end != "" {
		beVictim(t, end)
	}
	servers.NewPostgreSQL(t).PgBouncer(t, servers.PostgreSQL(t).URL()) // skips if there are none
	for _, end := range []string{exits, panics, killed} {
		t.Run(end, func(t *testing.T) {
			v := startVictim(t, end)
			line, err := v.said.ReadString('\n')
			var processes []int
			if err == nil {
				err = json.Unmarshal([]byte(line), &processes)
			}
			v.finish(end == killed)
			if err != nil || len(processes) < 2 {
				t.Fatalf("the binary tells of the processes %v, error %v", processes, err)
			}
			eventually(t, "all processes end", func() bool {
				running, err := servers.Alive(processes...)
				return err == nil && len(running) == 0
			})
			eventually(t, "all folders are removed", v.nothingLeft)
		})
	}
	t.Run("killed while they start", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it takes many tries")
		}
		for delay := time.Duration(0); delay < 1300*time.Millisecond; delay += 150 * time.Millisecond {
			v := startVictim(t, killed)
			<-time.After(delay)
			v.finish(true)
			eventually(t, "nothing is left", v.nothingLeft)
		}
	})
}

// beVictim starts servers of all kinds, prints the processes, and ends.
func beVictim(t *testing.T, end string) {
	t.Helper()
	shared, own := servers.PostgreSQL(t), servers.NewPostgreSQL(t)
	own.PgBouncer(t, own.URL())
	own.Kill(t)
	own.Restart(t)
	processes, err := shared.Processes()
	if err != nil {
		t.Fatal(err)
	}
	more, err := own.Processes()
	if err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(append(processes, more...))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(told))
	switch end {
	case exits:
		os.Exit(0)
	case panics:
		go panic("as planned") // a panic of the test itself would still run its Cleanup
	}
	select {}
}

// A process of this test's binary, whose servers have their folders in a folder of its own.
type victimProcess struct {
	*testing.T
	binary *exec.Cmd
	said   *bufio.Reader
	folder string
}

func startVictim(t *testing.T, end string) *victimProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "firefly-victim-") //nolint:usetesting // servers may be of another user, and t's folder is not for him
	if err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(folder) })
		err = os.Chmod(folder, 0o777|os.ModeSticky)
	}
	if err != nil {
		t.Fatal(err)
	}
	binary := exec.CommandContext(t.Context(), exe, "-test.run=^TestServersDoNotOutliveTheBinary$")
	binary.Env = append(os.Environ(), envVictim+"="+end, "TMPDIR="+folder)
	said, err := binary.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Start(); err != nil {
		t.Fatal(err)
	}
	return &victimProcess{t, binary, bufio.NewReader(said), folder}
}

// finish waits for the end of the process, or kills it.
func (v *victimProcess) finish(kill bool) {
	v.Helper()
	if kill {
		_ = v.binary.Process.Kill()
	}
	_ = v.binary.Wait()
	if byItself := v.binary.ProcessState.Exited(); byItself == kill {
		v.Fatalf("the binary ended otherwise than it should: %v", v.binary.ProcessState)
	}
}

// nothingLeft reports whether the folder is empty and, where /proc can tell, no process has its
// name among its arguments.
func (v *victimProcess) nothingLeft() bool {
	v.Helper()
	entries, err := os.ReadDir(v.folder)
	if err != nil {
		v.Fatal(err)
	}
	running, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		v.Fatal(err)
	}
	return len(entries) == 0 && !slices.ContainsFunc(running, func(file string) bool {
		arguments, err := os.ReadFile(file)
		return err == nil && bytes.Contains(arguments, []byte(v.folder))
	})
}
