package cli_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A shell runs commands on one store, which is new and empty.
type shell struct {
	config cli.Config
	url    string // empty if the store lives in this process only
	store  store.Full
	offset *atomic.Int64 // of the store's clock
	leases byte          // that it has claimed under
	worker string        // that claims, if it is not host-1
}

// advance moves the clock of the store, as this process sees it.
func (s *shell) advance(d time.Duration) { s.offset.Add(int64(d)) }

// A result is what a command left.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a command in this process.
func (s *shell) run(t *testing.T, args ...string) result {
	t.Helper()
	return s.runIn(t.Context(), t, args...)
}

// runIn runs a command until ctx ends, as a signal would end it.
func (s *shell) runIn(ctx context.Context, t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := cli.Command(s.config)
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(""))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	code := cli.Run(ctx, cmd)
	return result{stdout.String(), stderr.String(), code}
}

// ok runs a command that must succeed, and returns what it prints.
func (s *shell) ok(t *testing.T, args ...string) string {
	t.Helper()
	r := s.run(t, args...)
	if r.code != cli.ExitOK {
		t.Fatalf("%v: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// fails runs a command that must fail with the code, and say so in one line that holds text.
func (s *shell) fails(t *testing.T, code int, text string, args ...string) result {
	t.Helper()
	r := s.run(t, args...)
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	if r.code != code || !strings.Contains(lines[len(lines)-1], text) {
		t.Errorf("%v: exit code %d, not %d with %q:\n%s", args, r.code, code, text, r.stderr)
	}
	return r
}

// program returns a command that runs as a process of its own.
func (s *shell) program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if s.url == "" {
		t.Skip("a store in memory is this process's only")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", cli.EnvStore+"="+s.url)
	return cmd
}

// eachStore runs a test on an empty store of each kind.
func eachStore(t *testing.T, test func(t *testing.T, s *shell)) {
	t.Helper()
	for _, kind := range []struct {
		name string
		url  func(t *testing.T) string
	}{
		{"memory", func(*testing.T) string { return "memory://" }},
		{"sqlite", sqliteURL},
		{"postgres", func(t *testing.T) string { t.Helper(); return servers.PostgreSQL(t).Database(t) }},
		{"redis", func(t *testing.T) string {
			t.Helper()
			return servers.RedisServer(t).URL() + "?firefly_namespace=" + uniqueName(t)
		}},
		{"mongo", mongoURL},
	} {
		t.Run(kind.name, func(t *testing.T) { test(t, newShell(t, kind.url(t))) })
	}
}

// onSQLite returns a shell for what does not depend on the kind of the store.
func onSQLite(t *testing.T) *shell {
	t.Helper()
	return newShell(t, sqliteURL(t))
}

func sqliteURL(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "tasks.db")
}

func mongoURL(t *testing.T) string {
	t.Helper()
	m := servers.MongoDB(t)
	address, err := url.Parse(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + m.Database(t)
	return address.String()
}

func newShell(t *testing.T, address string) *shell {
	t.Helper()
	var offset atomic.Int64
	opened, err := open.Store(t.Context(), address, open.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(opened); err != nil {
			t.Error(err)
		}
	})
	s, ok := store.As[store.Full](opened)
	if !ok {
		t.Fatalf("%T lacks a capability", opened)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if address == "memory://" {
		address = ""
	}
	return &shell{config: cli.Config{Store: s}, url: address, store: s, offset: &offset}
}

var (
	notInNames  = regexp.MustCompile(`[^a-z0-9_]+`)
	uniqueNames atomic.Int64 // as a test may run several times
)

func uniqueName(t *testing.T) string {
	t.Helper()
	name := notInNames.ReplaceAllString(strings.ToLower(t.Name()), "_")
	return fmt.Sprintf("%s_%d", name[max(0, len(name)-40):], uniqueNames.Add(1))
}

// golden compares what a command printed with testdata/name.golden, but for what differs from run
// to run.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got = stable(got)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run the test with -update if that is right):\n%s\nwant:\n%s", path, got, want)
	}
}

// stable replaces times by one of the same length, but for the digits of a second's fraction, whose
// number differs.
func stable(s string) string {
	return times.ReplaceAllStringFunc(s, func(found string) string {
		const fine, coarse = "2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05Z"
		switch {
		case found[0] == '"': // of JSON, where a fraction may end early, or be none
			return `"` + fine
		case strings.Contains(found, "."):
			return fine
		}
		return coarse[:min(len(found), len(coarse))]
	})
}

var times = regexp.MustCompile(`"?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?`)
