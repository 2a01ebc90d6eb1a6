package main

import (
	"maps"
	"slices"

	"github.com/fireflytasks/go-firefly/internal/proof"
)

// A report is docs/proof.json.
type report struct {
	Made    string            `json:"made"` // UTC
	Machine string            `json:"machine"`
	Seconds int64             `json:"seconds"`          // that all took
	Cell    string            `json:"cell"`             // how long each fault was played on each store
	Remark  string            `json:"remark,omitempty"` // what else is to be known of the run
	Stores  map[string]*total `json:"stores"`
	Mutants score             `json:"mutants"`
}

// A score is how many faults were made on purpose, and how many a test has found.
type score struct {
	Killed int `json:"killed"`
	Total  int `json:"total"`
}

// A total is what was shown of a store.
type total struct {
	Tasks       int               `json:"tasks"`
	Faults      map[string]int    `json:"faults"` // how often each struck
	Lost        int               `json:"lost"`
	Doubled     int               `json:"doubled"`
	Reruns      int               `json:"reruns"`
	RecoveryP50 float64           `json:"recovery_p50_ms"`
	RecoveryP99 float64           `json:"recovery_p99_ms"`
	ModelSteps  int               `json:"model_steps"`
	Histories   int               `json:"histories"`
	Untested    map[string]string `json:"untested"` // faults, and why

	cells    map[string]*cell
	recovery []float64
}

// A cell is a fault on a store.
type cell struct {
	Strikes, Tasks, Reruns int
	P50, P99               float64
	recovery               []float64
}

// names are the stores, in the order of the page. Entries of other packages are of no store.
var names = []string{"memory", "sqlite", "postgres", "redis", "mongo"}

func newReport(entries []proof.Entry) *report {
	r := &report{Stores: map[string]*total{}}
	for _, name := range names {
		r.Stores[name] = &total{Faults: map[string]int{}, Untested: map[string]string{}, cells: map[string]*cell{}}
	}
	for _, e := range entries {
		r.Mutants.Killed += e.Killed
		r.Mutants.Total += e.Mutants
		if t := r.Stores[e.Store]; t != nil {
			t.add(e)
		}
	}
	for _, t := range r.Stores {
		t.RecoveryP50, t.RecoveryP99 = quantile(t.recovery, .5), quantile(t.recovery, .99)
		for _, c := range t.cells {
			c.P50, c.P99 = quantile(c.recovery, .5), quantile(c.recovery, .99)
		}
	}
	return r
}

func (t *total) add(e proof.Entry) {
	t.Tasks += e.Tasks
	t.Lost += e.Lost
	t.Doubled += e.Doubled
	t.Reruns += e.Reruns
	t.ModelSteps += e.ModelSteps
	t.Histories += e.Histories
	switch {
	case e.Fault == "":
	case e.Untested != "":
		t.Untested[e.Fault] = e.Untested
	default:
		if t.cells[e.Fault] == nil {
			t.cells[e.Fault] = &cell{}
		}
		c := t.cells[e.Fault]
		c.Strikes, c.Tasks, c.Reruns = c.Strikes+e.Strikes, c.Tasks+e.Tasks, c.Reruns+e.Reruns
		c.recovery = append(c.recovery, e.RecoveryMS...)
		if e.Fault != calm {
			t.Faults[e.Fault] += e.Strikes
			t.recovery = append(t.recovery, e.RecoveryMS...)
		}
	}
}

// calm is the cell without a fault, in which there is nothing to recover from.
const calm = "none"

// quantile returns what a share of all is not more than; 0 of nothing.
func quantile(all []float64, share float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(share*float64(len(sorted)-1)+.5)]
}

// faults returns all that were played or left out, in alphabetical order.
func (r *report) faults() []string {
	found := map[string]bool{}
	for _, t := range r.Stores {
		for f := range t.cells {
			found[f] = true
		}
		for f := range t.Untested {
			found[f] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
