package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

func TestStats(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		t.Helper()
		golden(t, "stats_empty", s.ok(t, "stats"))
		s.town(t)
		golden(t, "stats", s.ok(t, "stats"))
		golden(t, "stats_json", s.ok(t, "stats", "-o", "json"))
	})
}

func TestStatsWrongUsage(t *testing.T) {
	s := onSQLite(t)
	s.fails(t, cli.ExitUsage, "--interval 1ns is too short: give 10ms at least", "stats", "--watch", "--interval", "1ns")
	s.fails(t, cli.ExitUsage, "--interval -1s is too short", "stats", "--watch", "--interval", "-1s")
	s.fails(t, cli.ExitUsage, "--interval is for --watch: give both", "stats", "--interval", "1s")
	s.fails(t, cli.ExitUsage, `invalid argument "2" for "--interval" flag`, "stats", "--watch", "--interval", "2")
	s.config.Store = bare{s.store}
	s.fails(t, cli.ExitFailed, "does not support Counter", "stats")
}

// An audience sees what a watch shows, and after each look does something, the last time end it.
type audience struct {
	bytes.Buffer

	after []func()
	end   func()
}

func (a *audience) Write(p []byte) (int, error) {
	n, err := a.Buffer.Write(p)
	if len(a.after) == 0 {
		a.end()
		return n, err
	}
	a.after[0]()
	a.after = a.after[1:]
	return n, err
}

// watch runs a watch until all of after is done.
func (s *shell) watch(t *testing.T, format string, after ...func()) result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &audience{after: after, end: cancel}
	var stderr bytes.Buffer
	cmd := cli.Command(s.config)
	cmd.SetArgs([]string{"stats", "--watch", "--interval", "20ms", "-o", format})
	cmd.SetOut(out)
	cmd.SetErr(&stderr)
	code := cli.Run(ctx, cmd)
	return result{out.String(), stderr.String(), code}
}

// A seen is a line of a watch, as JSON.
type seen struct {
	At    string
	Total struct {
		Created   int64
		Completed int64
		In        *float64 `json:"scheduled_per_second"`
		Out       *float64 `json:"finished_per_second"`
	}
	Queues []struct {
		Queue string
		In    *float64 `json:"scheduled_per_second"`
		Out   *float64 `json:"finished_per_second"`
	}
}

func readSeen(t *testing.T, text string) (all []seen) {
	t.Helper()
	for line := range strings.Lines(text) {
		var s seen
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, s)
	}
	return all
}

func TestStatsWatchRates(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		t.Helper()
		s.put(t, "default", 3)
		r := s.watch(t, "json",
			func() { s.put(t, "default", 2); s.put(t, "mail", 5) },
			func() {
				for _, task := range s.take(t, "mail", 5) {
					if err := s.store.Complete(t.Context(), []store.Completion{{ID: task.ID, Lease: task.Lease}}); err != nil {
						t.Error(err)
					}
				}
			},
			func() {
				if _, err := s.store.Delete(t.Context(), store.Filter{Queues: []string{"mail"}}, 0); err != nil {
					t.Error(err)
				}
			},
		)
		looks := readSeen(t, r.stdout)
		if r.code != cli.ExitOK || r.stderr != "" || len(looks) != 4 {
			t.Fatalf("%+v", r)
		}
		first, second, third, fourth := looks[0], looks[1], looks[2], looks[3]
		if len(first.Queues) != 1 || first.Total.Created != 3 || first.Total.In != nil || first.Total.Out != nil {
			t.Errorf("first: %+v", first)
		}
		mail := second.Queues[1]
		if second.Total.Created != 10 || *second.Total.In <= 0 || *second.Total.Out != 0 || mail.Queue != "mail" || *mail.In <= 0 {
			t.Errorf("after ten were scheduled: %+v", second)
		}
		if ratio := *second.Total.In / *mail.In; ratio < 1.39 || ratio > 1.41 { // 7 to 5, in the same time
			t.Errorf("rates are %v in all, %v of mail", *second.Total.In, *mail.In)
		}
		if third.Total.Completed != 5 || *third.Total.In != 0 || *third.Total.Out <= 0 || *third.Queues[0].Out != 0 {
			t.Errorf("after five were completed: %+v", third)
		}
		if fourth.Total.In != nil || fourth.Total.Out != nil || *fourth.Queues[0].In != 0 {
			t.Errorf("after five were deleted: %+v", fourth)
		}
	})
}

func TestStatsWatchTable(t *testing.T) {
	s := onSQLite(t)
	s.town(t)
	r := s.watch(t, "table", func() {}, func() {})
	if r.code != cli.ExitOK || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	golden(t, "stats_watch", r.stdout)
}

// An ailing counter fails as often as it is told, after its first answer.
type ailing struct {
	bare
	store.Counter

	fails []error // by call; nil and those beyond are answers
}

func (a *ailing) Counts(ctx context.Context) ([]store.QueueCounts, error) {
	if len(a.fails) > 0 {
		err := a.fails[0]
		a.fails = a.fails[1:]
		if err != nil {
			return nil, err
		}
	}
	return a.Counter.Counts(ctx)
}

func TestStatsWatchOutage(t *testing.T) {
	down := fmt.Errorf("%w: it restarts", store.ErrUnavailable)
	again := "the store is not available at the moment: it restarts: trying again\n"
	broken := errors.New("the file is damaged")
	for _, test := range []struct {
		name   string
		fails  []error
		looks  int // until it is ended from outside
		code   int
		seen   int
		stderr string
	}{
		{"from the beginning", []error{down}, 9, cli.ExitUnavailable, 0, "firefly: the store is not available at the moment: it restarts\n"},
		{"that passes", []error{nil, down, down}, 2, cli.ExitOK, 2, again + again},
		{"of any kind", []error{nil, nil, broken}, 3, cli.ExitOK, 3, "the file is damaged: trying again\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := onSQLite(t)
			s.config.Store = &ailing{bare{s.store}, s.store, test.fails}
			r := s.watch(t, "json", slices.Repeat([]func(){func() {}}, test.looks-1)...)
			if seen := readSeen(t, r.stdout); r.code != test.code || len(seen) != test.seen || r.stderr != test.stderr {
				t.Errorf("%+v", r)
			}
		})
	}
}

var aRow = regexp.MustCompile(`(?m)^(ALL QUEUES|\S+ +(yes|no)) .*$`)

// A closed pipe ends a watch, which would write in vain for ever.
func TestStatsWatchClosedPipe(t *testing.T) {
	s := onSQLite(t)
	s.put(t, "default", 1)
	cmd := s.program(t, "stats", "--watch", "--interval", "10ms")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1000)
	n, err := out.Read(block)
	if err != nil || len(aRow.FindAll(block[:n], -1)) != 2 {
		t.Errorf("read %q, error %v", block[:n], err)
	}
	_ = out.Close()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != cli.ExitClosedPipe {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
}
