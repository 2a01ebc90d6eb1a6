package cli_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

const hush = "hush-hush-7" // a password

// deaf returns the address of a server that takes connections and never says a word.
func deaf(t *testing.T) string {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// gone returns an address at which nobody listens.
func gone(t *testing.T) string {
	t.Helper()
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestUnreachableStore(t *testing.T) {
	user := "firefly:" + hush + "@"
	for name, url := range map[string]string{
		"postgres":      "postgres://" + user + gone(t) + "/db",
		"deaf postgres": "postgres://" + user + deaf(t) + "/db?connect_timeout=1",
		"redis":         "redis://" + user + gone(t) + "/0",
		"deaf redis":    "redis://" + user + deaf(t) + "/0?read_timeout=200ms&max_retries=1",
		"mongo":         "mongodb://" + user + gone(t) + "/db?serverSelectionTimeoutMS=500",
		"deaf mongo":    "mongodb://" + user + deaf(t) + "/db?serverSelectionTimeoutMS=500",
	} {
		t.Run(name, func(t *testing.T) {
			s := &shell{}
			for _, args := range [][]string{
				{"queues", "list"}, {"queues", "pause", "mail"}, {"stats"}, {"stats", "--watch"}, {"migrate", "status"}, {"migrate", "up"},
			} {
				began := time.Now()
				r := s.fails(t, cli.ExitUnavailable, "the store is not available at the moment", append(args, "--store", url)...)
				if r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || strings.Contains(r.stderr, hush) {
					t.Errorf("%v: %+v", args, r)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("%v took %s", args, took)
				}
			}
			s.url = url
			cmd := s.program(t, "stats") // drivers may write to a process's own stream
			var stderr strings.Builder
			cmd.Stderr = &stderr
			_ = cmd.Run()
			if text := stderr.String(); cmd.ProcessState.ExitCode() != cli.ExitUnavailable || strings.Count(text, "\n") != 1 ||
				strings.Contains(text, hush) {
				t.Errorf("as a program: %v, %s", cmd.ProcessState, text)
			}
		})
	}
}

// A stuck store never answers.
type stuck struct{ bare }

func (stuck) Counts(ctx context.Context) ([]store.QueueCounts, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStuckStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		defer func() { _ = s.Close() }()
		cmd := cli.Command(cli.Config{Store: stuck{bare{s}}})
		cmd.SetArgs([]string{"stats"})
		began := time.Now()
		err := cmd.ExecuteContext(t.Context())
		if cli.ExitCode(err) != cli.ExitUnavailable || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestBadURL(t *testing.T) {
	for _, url := range []string{
		"postgres://firefly:" + hush + "@host:port/db", "mysql://host/db", "tasks.db", "sqlite:", "redis://host/?firefly_nope=1",
	} {
		s := &shell{}
		r := s.fails(t, cli.ExitUsage, "open", "stats", "--store", url)
		if r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || strings.Contains(r.stderr, hush) {
			t.Errorf("%s: %+v", url, r)
		}
	}
}

// paused returns the queues that are paused in a file.
func paused(t *testing.T, url string) []string {
	t.Helper()
	s, err := open.Store(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close(s) }()
	p, _ := store.As[store.Pauser](s)
	queues, err := p.Paused(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return queues
}

// The command line comes before the environment, that before the application, that before the default.
func TestWhichStore(t *testing.T) {
	flag, env, app, data := sqliteURL(t), sqliteURL(t), sqliteURL(t), t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv(cli.EnvStore, env)
	s := &shell{config: cli.Config{URL: app}}
	s.ok(t, "queues", "pause", "a", "--store", flag)
	s.ok(t, "queues", "pause", "b")
	t.Setenv(cli.EnvStore, "")
	s.ok(t, "queues", "pause", "c")
	s.config.URL = ""
	s.ok(t, "queues", "pause", "d")
	for want, url := range map[string]string{
		"a": flag, "b": env, "c": app, "d": "sqlite://" + filepath.Join(data, "firefly", "firefly.db"),
	} {
		if got := paused(t, url); len(got) != 1 || got[0] != want {
			t.Errorf("%s has %q, want %s", url, got, want)
		}
	}
	if info, err := os.Stat(filepath.Join(data, "firefly")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, error %v", info, err)
	}
	s.config.Store = memory.New()
	s.fails(t, cli.ExitUsage, "unknown flag: --store", "stats", "--store", flag)
}

func TestDefaultStoreCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", file)
	s := &shell{}
	s.fails(t, cli.ExitFailed, "name another store with --store or FIREFLY_STORE", "stats")
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "")
	s.fails(t, cli.ExitUsage, "name a store with --store or FIREFLY_STORE", "stats")
}

// Of a database that was never migrated, each command says what to do.
func TestNotMigrated(t *testing.T) {
	for name, url := range unprepared() {
		t.Run(name, func(t *testing.T) {
			s := &shell{config: cli.Config{URL: url(t)}}
			for _, args := range [][]string{
				{"queues", "list"}, {"queues", "pause", "mail"}, {"queues", "resume", "mail"}, {"stats"}, {"stats", "--watch"},
			} {
				r := s.fails(t, cli.ExitFailed, `: run "firefly migrate up"`, args...)
				if strings.Count(r.stderr, "\n") != 1 {
					t.Errorf("%v: %s", args, r.stderr)
				}
			}
			jobs := cli.Command(cli.Config{Name: "jobs", URL: s.config.URL})
			shop := &cobra.Command{Use: "shop", SilenceErrors: true, SilenceUsage: true}
			shop.AddCommand(jobs, &cobra.Command{Use: "migrate", Run: func(*cobra.Command, []string) {}})
			shop.SetArgs([]string{"jobs", "stats"})
			var stderr strings.Builder
			shop.SetErr(&stderr)
			if code := cli.Run(t.Context(), shop); code != cli.ExitFailed || !strings.HasSuffix(stderr.String(), ": run \"shop jobs migrate up\"\n") {
				t.Errorf("below another command: exit code %d, %s", code, stderr.String())
			}
		})
	}
}
