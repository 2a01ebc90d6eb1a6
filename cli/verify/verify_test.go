package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/cli/verify"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(runner(func() int {
		defer servers.EndMongoDB()
		return m.Run()
	}))
}

// A runner is the tests.
type runner func() int

func (r runner) Run() int { return r() }

func matching(pattern string) verify.Options { return verify.Options{Run: regexp.MustCompile(pattern)} }

// passes runs the cases against a URL, of which none may fail, and returns what is printed.
func passes(t *testing.T, url string, opts verify.Options) (verify.Result, string) {
	t.Helper()
	var out strings.Builder
	r, err := verify.Run(t.Context(), url, &out, opts)
	if err != nil || r.Failed > 0 {
		t.Fatalf("%d failed, error %v:\n%s", r.Failed, err, out.String())
	}
	return r, out.String()
}

// some is the whole kit where that takes seconds, and else the cases that a scratch store could disturb.
func some() verify.Options {
	if testing.Short() || race.Enabled {
		return matching("^(Migrat|Close|TxEffects|TxConflict)")
	}
	return verify.Options{Steps: 100}
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, error %v", left, err)
	}
}

func TestMemory(t *testing.T) {
	r, out := passes(t, "memory://", verify.Options{})
	if r.Passed < 100 || r.Skipped != 1 || r.Passed+r.Skipped != len(r.Cases) || r.Seconds <= 0 {
		t.Errorf("%d passed, %d skipped of %d in %f s", r.Passed, r.Skipped, len(r.Cases), r.Seconds)
	}
	for _, want := range []string{
		"ok    ClaimRepeat", "ok    MigrationNothingPending\n", "ok    ModelRandomWalk\n", "skip  TxUnsupportedSaysSo: ",
		fmt.Sprintf("\n%d cases passed, 1 skipped, 0 failed in ", r.Passed),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if strings.Count(out, "\n") != len(r.Cases)+1 {
		t.Errorf("not one line for each case:\n%s", out)
	}
}

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	r, out := passes(t, "sqlite:"+filepath.Join(dir, "tasks.db"), some())
	if r.Skipped == 0 || !strings.Contains(out, ": the harness declares OneWriter\n") {
		t.Errorf("%d skipped:\n%s", r.Skipped, out)
	}
	expectEmpty(t, dir)
}

func TestPostgreSQL(t *testing.T) {
	url := servers.PostgreSQL(t).Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	passes(t, url, some())
	var left []string
	const text = "SELECT coalesce(array_agg(nspname::text), '{}') FROM pg_namespace WHERE nspname ~ 'firefly'"
	if err := conn.QueryRow(t.Context(), text).Scan(&left); err != nil || len(left) > 0 {
		t.Errorf("left: %q, error %v", left, err)
	}
}

// A database without transactions is found out, and passes by those that stand in for them.
func TestStandAlone(t *testing.T) {
	server := servers.MongoStandAlone(t)
	url := strings.Replace(server.URL(), "/?", "/"+server.Database(t)+"?", 1)
	r, out := passes(t, url, matching("^(TxUnsupportedSaysSo|TxEffectsAtomic|ParentWithoutChildren)$"))
	if r.Passed != 2 || r.Skipped == 0 || !strings.Contains(out, ": the harness declares NoTx\n") {
		t.Errorf("%d passed, %d skipped:\n%s", r.Passed, r.Skipped, out)
	}
}

// careless completes whatever it is told to complete.
type careless struct{ store.Full }

func (s careless) Unwrap() store.Store { return s.Full }

func (s careless) Complete(ctx context.Context, done []store.Completion) error {
	_ = s.Full.Complete(ctx, done)
	return nil
}

func carelessStores(ctx context.Context, _ string, opts ...open.Option) (store.Store, func(context.Context) error, error) {
	s, remove, err := open.Scratch(ctx, "memory://", opts...)
	full, _ := store.As[store.Full](s)
	return careless{full}, remove, err
}

func TestFailedCases(t *testing.T) {
	var out strings.Builder
	r, err := verify.RunOn(t.Context(), carelessStores, &out, matching("^(SettleComplete|MigrateRepeatable)"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed == 0 || r.Failed+r.Passed != len(r.Cases) || r.Passed == 0 {
		t.Fatalf("%d failed, %d passed:\n%s", r.Failed, r.Passed, out.String())
	}
	for _, c := range r.Cases {
		if c.Outcome != storetest.Failed {
			continue
		}
		want := fmt.Sprintf("FAIL  %s\n      rule %d: %s\n      %s\n", c.Name, c.Rule, c.Says, strings.ReplaceAll(c.Log, "\n", "\n      "))
		if c.Log == "" || !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
}

// A stopper ends the run when so many lines were printed.
type stopper struct {
	lines int
	stop  func()
	out   strings.Builder
}

// Write implements [io.Writer].
func (s *stopper) Write(p []byte) (int, error) {
	if s.lines--; s.lines == 0 {
		s.stop()
	}
	return s.out.Write(p)
}

// A run that is interrupted says how far it got, and leaves nothing.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	w := &stopper{lines: 5, stop: cancel}
	r, err := verify.Run(ctx, "sqlite:"+filepath.Join(dir, "tasks.db"), w, verify.Options{})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped after 5 cases") || len(r.Cases) != 5 {
		t.Errorf("%d cases, error %v", len(r.Cases), err)
	}
	if !strings.Contains(w.out.String(), "\n5 cases passed, 0 skipped, 0 failed in ") {
		t.Error(w.out.String())
	}
	expectEmpty(t, dir)
}

// interruptible are scratch stores whose first claim is interrupted.
func interruptible(cancel func(), dir string) verify.Opener {
	return func(ctx context.Context, _ string, opts ...open.Option) (store.Store, func(context.Context) error, error) {
		s, remove, err := open.Scratch(ctx, "sqlite:"+filepath.Join(dir, "tasks.db"), opts...)
		full, _ := store.As[store.Full](s)
		return interrupted{full, cancel}, remove, err
	}
}

type interrupted struct {
	store.Full

	cancel func()
}

func (s interrupted) Unwrap() store.Store { return s.Full }

func (s interrupted) ClaimDue(ctx context.Context, _ store.Claim) ([]store.Task, error) {
	s.cancel()
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestInterruptedWithinACase(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := verify.RunOn(ctx, interruptible(cancel, dir), io.Discard, matching("^Claim"))
	if !errors.Is(err, context.Canceled) || r.Failed > 0 {
		t.Errorf("%d failed, error %v", r.Failed, err)
	}
	expectEmpty(t, dir)
}

// A writer that fails ends the run.
func TestClosedOutput(t *testing.T) {
	r, w := io.Pipe()
	_ = r.CloseWithError(io.ErrClosedPipe)
	result, err := verify.Run(t.Context(), "memory://", w, verify.Options{})
	if !errors.Is(err, io.ErrClosedPipe) || len(result.Cases) != 1 || strings.Count(err.Error(), "closed pipe") != 1 {
		t.Errorf("%d cases, error %v", len(result.Cases), err)
	}
}

var errStuck = errors.New("firefly_scratch_x is left")

// What cannot be removed is an error of the run, too, which may have ended between two cases.
func TestLeftovers(t *testing.T) {
	opener := func(ctx context.Context, _ string, opts ...open.Option) (store.Store, func(context.Context) error, error) {
		s, remove, err := open.Scratch(ctx, "memory://", opts...)
		return s, func(ctx context.Context) error { return errors.Join(errStuck, remove(ctx)) }, err
	}
	_, err := verify.RunOn(t.Context(), opener, io.Discard, matching("^Migrat"))
	if !errors.Is(err, errStuck) {
		t.Errorf("error %v", err)
	}
}

func TestCannotRun(t *testing.T) {
	for url, is := range map[string]error{
		"postgres://user:sesame@127.0.0.1:1/none": store.ErrUnavailable,
		"mysql://user:sesame@h/db":                store.ErrInvalid,
	} {
		var out strings.Builder
		_, err := verify.Run(t.Context(), url, &out, verify.Options{})
		if !errors.Is(err, is) || strings.Contains(err.Error(), "sesame") || out.Len() > 0 {
			t.Errorf("error %v, output %q", err, out.String())
		}
	}
	if _, err := verify.Run(t.Context(), "memory://", io.Discard, matching("nothing")); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("no case: error %v", err)
	}
	if _, err := verify.Run(t.Context(), "memory://", io.Discard, verify.Options{Steps: -1}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("fewer than no steps: error %v", err)
	}
}
