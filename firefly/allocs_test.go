package firefly_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/store/memory"
)

var recordAllocs = flag.Bool("record-allocs", false, "make what the engine allocates now the record of TestAllocations")

// paths are what a task takes through the engine, on a store that allocates little. Each returns how
// many allocations a task costs there.
var paths = map[string]func(t *testing.T) float64{
	"schedule": func(t *testing.T) float64 {
		t.Helper()
		c := benchClient(t, memory.New())
		return allocsOf(t, 1000, func() {
			for i := range 1000 {
				if _, err := noop.Schedule(t.Context(), c, AddArgs{i, 1}); err != nil {
					t.Fatal(err)
				}
			}
		})
	},
	"schedule many": func(t *testing.T) float64 {
		t.Helper()
		c := benchClient(t, memory.New())
		return allocsOf(t, 1000, func() { fill(t, c, 1000) })
	},
	"run": func(t *testing.T) float64 {
		t.Helper()
		const n = 20_000
		s := memory.New()
		fill(t, benchClient(t, s), n)
		return allocsOf(t, n, func() { drain(t, s, n, noop.Handle(add)) })
	},
	"run in a transaction": func(t *testing.T) float64 {
		t.Helper()
		const n = 5000
		s := memory.New()
		c := benchClient(t, s)
		fill(t, c, n)
		return allocsOf(t, n, func() { drain(t, s, n, noop.Handle(parent(c))) })
	},
}

// allocsOf counts what f allocates for each of n tasks. Goroutines take turns meanwhile, so that a
// machine that is busy with something else changes little.
func allocsOf(t *testing.T, n int, f func()) float64 {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

// TestAllocations compares allocations, not time, with what is on record: they are the same on every
// machine.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates, too")
	}
	const (
		record    = "testdata/allocs.json"
		tolerance = .5 // of an allocation: batches may be of other sizes, and cost something once for each
		tries     = 3
	)
	now := map[string]float64{}
	for name, measure := range paths {
		least := measure(t)
		for range tries - 1 {
			least = min(least, measure(t))
		}
		now[name] = float64(int(least*100)) / 100
	}
	if *recordAllocs {
		text, err := json.MarshalIndent(now, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(record, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	var then map[string]float64
	if err := json.Unmarshal(text, &then); err != nil {
		t.Fatal(err)
	}
	const again = "go test ./firefly -run '^TestAllocations$' -record-allocs"
	for _, name := range slices.Sorted(maps.Keys(now)) {
		t.Logf("%s: %.2f allocations a task; on record are %.2f", name, now[name], then[name])
		switch {
		case then[name] == 0:
			t.Errorf("%s has no record: %s", name, again)
		case now[name] > then[name]+tolerance:
			t.Errorf("%s costs %.2f allocations a task, %.2f before: if they are worth it, %s", name, now[name], then[name], again)
		case now[name] < then[name]-tolerance:
			t.Logf("%s has become better: keep it so by %s", name, again)
		}
	}
}
