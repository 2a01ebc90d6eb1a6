package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMergeKeepsOtherRows(t *testing.T) {
	of := func(store, name string, scale, firefly float64) row {
		return row{Case: name, Metric: rate, origin: origin{Store: store, Scale: scale}, Firefly: firefly}
	}
	old := []row{
		of("postgres", "insert-1", 1, 1), of("postgres", "drain", 1, 2), of("redis", "drain", .1, 3),
		of("redis", "no more", 1, 4), of("redis", "finished", 10, 5),
	}
	fresh := []row{
		of("redis", "drain", .2, 6), of("redis", "finished", 1, 7),
		of("postgres", "drain", .05, 8), of("postgres", "insert-1", 1, 9),
	}
	var got []float64
	for _, r := range merge(old, fresh) {
		got = append(got, r.Firefly)
	}
	if want := []float64{9, 2, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("merged rows are %v, want %v", got, want)
	}
}

func TestRatiosAreAboveOneWhereFireflyIsBetter(t *testing.T) {
	one := func(metric string, x float64) []*series {
		return []*series{{setting: setting{name: "it"}, rounds: map[string][]float64{metric: {x, x, 2 * x}}}}
	}
	for metric, want := range map[string]float64{rate: .5, p99: 2} {
		r := result{
			benchmark: benchmark{name: "drain", metrics: []string{metric}}, names: []string{"Firefly", "River"},
			series: [][]*series{one(metric, 10), one(metric, 20)},
		}
		if rows := r.rows(origin{}); len(rows) != 1 || rows[0].Ratio != want {
			t.Errorf("%s: rows are %+v, want the ratio %v", metric, rows, want)
		}
	}
}

func TestTargetsAreJudged(t *testing.T) {
	rows := []row{
		{Case: "drain", Metric: rate, origin: origin{Store: "redis"}, Firefly: 60, Limit: 100, Ratio: 4},
		{Case: "workers-16", Metric: rate, origin: origin{Store: "redis"}, Firefly: 90},
		{Case: "workers-1", Metric: rate, origin: origin{Store: "redis"}, Firefly: 100},
		{Case: "latency", Metric: p99, origin: origin{Store: "redis"}, Firefly: 5, Ratio: 3},
	}
	for _, test := range []struct {
		target
		met bool
	}{
		{target{bench: "drain", metric: rate, of: toPeer, bound: 4}, true},
		{target{bench: "drain", metric: rate, of: toPeer, bound: 5}, false},
		{target{bench: "drain", metric: rate, of: toLimit, bound: .6}, true},
		{target{bench: "latency", metric: p99, of: figure, bound: 6}, true},
		{target{bench: "latency", metric: p99, of: figure, bound: 4}, false},
		{target{bench: "latency", metric: p99, of: toPeer, bound: 2}, true},
		{target{bench: "workers-16", metric: rate, of: toOwnCase, bound: 1, reference: "workers-1"}, false},
		{target{bench: "finished", metric: kept, of: figure, bound: 95}, false},
	} {
		test.store = "redis"
		if v := test.judge(rows); v.met != test.met {
			t.Errorf("%s %s, bound %v, is met: %v; figure %v", test.bench, test.metric, test.bound, v.met, v.value)
		}
	}
}

// Targets, and what contenders have settings for, name cases that there are.
func TestNamesAreOfCases(t *testing.T) {
	known := func(name string) bool {
		_, err := benchmarkNamed(name)
		return err == nil || name == "work" || name == ""
	}
	for _, v := range targets {
		b, err := benchmarkNamed(v.bench)
		if err != nil || !slices.Contains(b.metrics, v.metric) || !known(v.reference) || backends[v.store] == nil {
			t.Errorf("target %q is of nothing that is measured", v.what)
		}
	}
	for _, settings := range []map[string][]setting{
		fireflySettings, fireflyOnRedis, fireflyOnMongo, fireflyInProcess, riverSettings, riverOnSQLite,
		asynqSettings, loopSettings, sqlSettings, bareSettings, luaSettings, channelSettings,
	} {
		for name := range settings {
			if !known(name) {
				t.Errorf("settings are for %q, which is no case", name)
			}
		}
	}
}

func TestPublish(t *testing.T) {
	folder := t.TempDir()
	for i, store := range []string{"postgres", "redis"} {
		var rows []row
		for _, b := range benchmarks {
			for _, metric := range b.metrics {
				rows = append(rows, row{
					Case: b.name, Metric: metric, origin: origin{Store: store, Scale: 1, Run: store}, Firefly: float64(i + 1),
					Peer: 1, PeerName: "peer", Ratio: float64(i + 1),
				})
			}
		}
		if err := publish(folder, rows); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## postgres", "## redis", "benchmarks-workers.svg", "benchmarks-redis.svg", "| `drain` |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
