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
	"strings"
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

// envVictim is set, to one of these after a backend's name and a space, for a test binary that is
// started by another to be its victim.
const envVictim = "FIREFLY_TEST_SERVERS_VICTIM"

func TestServersDoNotOutliveTheBinary(t *testing.T) {
	t.Parallel() // with others that mostly wait
	backends := []struct {
		name    string
		present func(t *testing.T) // skips if there are no such servers
		start   func(t *testing.T) []int
		starts  time.Duration // how long that takes at least, on a machine that is quick
		ends    []string
	}{
		{"postgres", havePostgres, startPostgres, 1300 * time.Millisecond, []string{exits, panics, killed}},
		{"redis", haveRedis, startRedis, 450 * time.Millisecond, []string{killed}}, // the guard is the same
		{"mongo", haveMongo, startMongo, 1300 * time.Millisecond, []string{killed}},
	}
	for _, b := range backends {
		if end, ok := strings.CutPrefix(os.Getenv(envVictim), b.name+" "); ok {
			beVictim(t, b.start(t), end)
		}
	}
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.present(t)
			for _, end := range b.ends {
				t.Run(end, func(t *testing.T) { testEnd(t, b.name, end) })
			}
			t.Run("killed while they start", func(t *testing.T) {
				if testing.Short() {
					t.Skip("it takes many tries")
				}
				for delay := time.Duration(0); delay < b.starts; delay += 150 * time.Millisecond {
					v := startVictim(t, b.name, killed)
					<-time.After(delay)
					v.finish(true)
					eventually(t, "nothing is left", v.nothingLeft)
				}
			})
		})
	}
}

// testEnd starts a victim and sees what becomes of the servers that it tells of.
func testEnd(t *testing.T, backend, end string) {
	t.Helper()
	v := startVictim(t, backend, end)
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
}

func havePostgres(t *testing.T) {
	t.Helper()
	servers.NewPostgreSQL(t).PgBouncer(t, servers.PostgreSQL(t).URL())
}

func haveRedis(t *testing.T) {
	t.Helper()
	servers.NewRedis(t)
}

func haveMongo(t *testing.T) {
	t.Helper()
	servers.NewMongoDB(t)
}

// startPostgres starts servers of all kinds and returns their processes.
func startPostgres(t *testing.T) []int {
	t.Helper()
	shared, own := servers.PostgreSQL(t), servers.NewPostgreSQL(t)
	own.PgBouncer(t, own.URL())
	own.Kill(t)
	own.Restart(t)
	return processes(t, shared, own)
}

// startRedis does the same.
func startRedis(t *testing.T) []int {
	t.Helper()
	shared, own := servers.RedisServer(t), servers.NewRedis(t)
	replica := own.Replica(t)
	own.Kill(t)
	own.Restart(t)
	return processes(t, shared, own, replica, servers.RedisCluster(t))
}

func startMongo(t *testing.T) []int {
	t.Helper()
	shared, own := servers.MongoDB(t), servers.NewMongoDB(t)
	own.Kill(t)
	own.Restart(t)
	return processes(t, shared, own)
}

func processes(t *testing.T, of ...interface{ Processes() ([]int, error) }) []int {
	t.Helper()
	var all []int
	for _, server := range of {
		pids, err := server.Processes()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pids...)
	}
	return all
}

// beVictim prints the processes and ends.
func beVictim(t *testing.T, processes []int, end string) {
	t.Helper()
	told, err := json.Marshal(processes)
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

func startVictim(t *testing.T, backend, end string) *victimProcess {
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
	binary.Env = append(os.Environ(), envVictim+"="+backend+" "+end, "TMPDIR="+folder)
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
// name among its arguments or works in it.
func (v *victimProcess) nothingLeft() bool {
	v.Helper()
	entries, err := os.ReadDir(v.folder)
	if err != nil {
		v.Fatal(err)
	}
	running, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		v.Fatal(err)
	}
	return len(entries) == 0 && !slices.ContainsFunc(running, func(process string) bool {
		arguments, _ := os.ReadFile(filepath.Join(process, "cmdline")) // of one that has just ended there are none
		folder, _ := os.Readlink(filepath.Join(process, "cwd"))
		return bytes.Contains(arguments, []byte(v.folder)) || strings.HasPrefix(folder, v.folder)
	})
}
