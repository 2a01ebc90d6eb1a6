package storetest

import (
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// named selects cases.
func named(pattern string) Selection {
	return Selection{Full: true, Names: regexp.MustCompile(pattern)}
}

// checked runs Check, which must succeed, and returns what it reports.
func checked(t *testing.T, h Harness, sel Selection) (all []CaseResult) {
	t.Helper()
	if err := Check(t.Context(), h, sel, func(r CaseResult) { all = append(all, r) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCheckReportsEveryCaseInOrder(t *testing.T) {
	results := checked(t, memoryHarness(whole), Selection{Full: true, Steps: 50})
	cases := allCases()
	if len(results) != len(cases) {
		t.Fatalf("%d results of %d cases", len(results), len(cases))
	}
	for i, r := range results {
		want := Passed
		if r.Name == "TxUnsupportedSaysSo" {
			want = Skipped
		}
		if r.Name != cases[i].name || r.Outcome != want || r.Rule != cases[i].rule || r.Says != cases[i].says || (r.Log == "") != (want == Passed) {
			t.Errorf("%s: %+v", cases[i].name, r)
		}
	}
}

func TestCheckSelects(t *testing.T) {
	results := checked(t, memoryHarness(whole), named("^Migrat"))
	if len(results) != len(migrateCases)+2 {
		t.Errorf("%d results", len(results))
	}
	if n := len(checked(t, memoryHarness(whole), named("None of these"))); n != 0 {
		t.Errorf("%d results", n)
	}
}

// A capability that is missing is a failure only where every one is demanded.
func TestCheckDemandsAll(t *testing.T) {
	h := memoryHarness(func(s *memory.Store, _ *fakeClock) store.Store { return struct{ store.Store }{s} })
	sel := named("^CloseNoLeak$")
	if r := checked(t, h, sel)[0]; r.Outcome != Failed || r.Log != "the store is no Closer" {
		t.Errorf("%+v", r)
	}
	sel.Full = false
	if r := checked(t, h, sel)[0]; r.Outcome != Skipped || r.Log != "the store is no Closer" {
		t.Errorf("%+v", r)
	}
}

func TestCheckSaysWhatFailed(t *testing.T) {
	b := brokenStores[slices.IndexFunc(brokenStores, func(b brokenStore) bool { return b.bug == "something is always pending" })]
	r := checked(t, b.harness(), named("^MigrationNothingPending$"))[0]
	if r.Outcome != Failed || !strings.HasPrefix(r.Log, `after Migrate there is still to do ["tables"]`) || strings.Contains(r.Log, r.Says) {
		t.Errorf("%+v", r)
	}
	b = brokenStores[slices.IndexFunc(brokenStores, func(b brokenStore) bool { return b.bug == "retry counts nothing" })]
	r = checked(t, b.harness(), Selection{Names: regexp.MustCompile("ModelRandomWalk"), Steps: 2000})[0]
	if r.Outcome != Failed || !strings.Contains(r.Log, "storetest.Walk(t, harness, 1, ") {
		t.Errorf("%+v", r)
	}
	b = brokenStore{seed: func(b *broken) {
		b.insert = func(context.Context, []store.NewTask) ([]store.Inserted, error) { panic("no luck") }
	}}
	r = checked(t, b.harness(), named("^MigrateRepeatable$"))[0]
	if r.Outcome != Failed || !strings.Contains(r.Log, "panic: no luck") || !strings.Contains(r.Log, "check_test.go") {
		t.Errorf("%+v", r)
	}
}

func TestCheckNeedsAWholeHarness(t *testing.T) {
	if err := Check(t.Context(), Harness{}, Selection{}, func(CaseResult) { t.Error("a result") }); !errors.Is(err, errIncomplete) {
		t.Errorf("error %v", err)
	}
}

var errEnough = errors.New("enough")

// counting counts the stores that are open.
func counting(h Harness, opened func(s store.Store) store.Store) (Harness, *int) {
	n := new(int)
	inner := h.Open
	h.Open = func(tb testing.TB) store.Store {
		tb.Helper()
		*n++
		tb.Cleanup(func() { *n-- })
		return opened(inner(tb))
	}
	return h, n
}

func TestCheckStopsBetweenCases(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	h, open := counting(memoryHarness(whole), func(s store.Store) store.Store { return s })
	n := 0
	err := Check(ctx, h, Selection{}, func(CaseResult) {
		if n++; n == 3 {
			cancel(errEnough)
		}
	})
	if !errors.Is(err, errEnough) || n != 3 || *open != 0 {
		t.Errorf("%d results, %d stores are open, error %v", n, *open, err)
	}
}

// A case that is stopped has no result, and is cleaned up after.
func TestCheckStopsWithinACase(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	h, open := counting(memoryHarness(func(s *memory.Store, _ *fakeClock) store.Store {
		return &broken{Store: s, insert: func(ctx context.Context, _ []store.NewTask) ([]store.Inserted, error) {
			cancel(errEnough)
			<-ctx.Done()
			return nil, ctx.Err()
		}}
	}), func(s store.Store) store.Store { return s })
	err := Check(ctx, h, Selection{}, func(r CaseResult) { t.Errorf("reported %+v", r) })
	if !errors.Is(err, errEnough) || *open != 0 {
		t.Errorf("%d stores are open, error %v", *open, err)
	}
}

func TestCheckGivesUpOnACaseThatHangs(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	goOn := make(chan struct{})
	defer close(goOn)
	h := memoryHarness(func(s *memory.Store, _ *fakeClock) store.Store {
		return &broken{Store: s, insert: func(context.Context, []store.NewTask) ([]store.Inserted, error) {
			cancel(errEnough)
			<-goOn
			return nil, errEnough
		}}
	})
	if _, err := insertCases[0].checkAlone(ctx, h, true, 1); !errors.Is(err, ErrHangs) || !errors.Is(err, errEnough) {
		t.Errorf("error %v", err)
	}
}

func TestRecorder(t *testing.T) {
	var dir string
	var order []string
	r, ended := record(t.Context(), "name", func(tb testing.TB) {
		dir = tb.TempDir()
		tb.Cleanup(func() {
			order = append(order, "first")
			tb.Cleanup(func() { order = append(order, "late") })
		})
		tb.Cleanup(func() {
			order = append(order, "second")
			if tb.Context().Err() == nil {
				tb.Error("the context lives on")
			}
			tb.FailNow()
		})
		if tb.Name() != "name" {
			tb.Errorf("the name is %q", tb.Name())
		}
		_, _ = io.WriteString(tb.Output(), "written\n")
		tb.Attr("key", "value")
		tb.Skip("no", "need")
	})
	<-ended
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder stays: %v", err)
	}
	if !r.Skipped() || !r.Failed() || r.text() != "written\nkey: value\nno need" || !slices.Equal(order, []string{"second", "first", "late"}) {
		t.Errorf("skipped %t, failed %t, log %q, cleaned up %v", r.Skipped(), r.Failed(), r.text(), order)
	}
	for name, f := range map[string]func(tb testing.TB){
		"Setenv": func(tb testing.TB) { tb.Setenv("FIREFLY_TEST_NOTHING", "x") },
		"Chdir":  func(tb testing.TB) { tb.Chdir(os.TempDir()) },
	} {
		r, ended := record(t.Context(), name, f)
		<-ended
		if !r.Failed() || os.Getenv("FIREFLY_TEST_NOTHING") != "" {
			t.Errorf("%s is no failure", name)
		}
	}
}
