package repo_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A measurement is a row of docs/benchmarks.json, as programs read it.
type measurement struct {
	Case     string   `json:"case"`
	Store    string   `json:"store"`
	Metric   string   `json:"metric"`
	Setting  string   `json:"firefly_setting"`
	Firefly  *float64 `json:"firefly"`
	Peer     *float64 `json:"peer"`
	PeerName *string  `json:"peer_name"`
	Ratio    *float64 `json:"ratio"`
	Limit    *float64 `json:"limit"`
	Run      string   `json:"run"`
	Machine  string   `json:"machine"`
}

// faults returns what is wrong with a row by itself.
func (m *measurement) faults() (all []string) {
	if m.Case == "" || m.Store == "" || m.Metric == "" || m.Run == "" || m.Machine == "" {
		all = append(all, "it does not say what it is of")
	}
	if m.Firefly == nil || m.Peer == nil || m.PeerName == nil || m.Ratio == nil || m.Limit == nil {
		return append(all, "a field is missing")
	}
	for _, x := range []float64{*m.Firefly, *m.Peer, *m.Ratio, *m.Limit} {
		if x < 0 && !strings.Contains(m.Metric, "memory") { // what memory grows by may be less than nothing
			all = append(all, "a figure is negative")
		}
	}
	if *m.PeerName == "" && (*m.Peer != 0 || *m.Ratio != 0) {
		all = append(all, "it has a peer without a name")
	}
	want := 0.
	if *m.Firefly > 0 && *m.Peer > 0 {
		want = *m.Peer / *m.Firefly
		if strings.HasSuffix(m.Metric, "/s") || strings.HasPrefix(m.Metric, "% of") {
			want = 1 / want // more is better
		}
	}
	if math.Abs(*m.Ratio-want) > want*.01 { // figures are rounded
		all = append(all, "its ratio is not that of its figures")
	}
	return all
}

func TestBenchmarks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "benchmarks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("nothing was measured yet: make bench")
	}
	if err != nil {
		t.Fatal(err)
	}
	var rows []measurement
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Error("there are no rows")
	}
	type key struct{ store, name, metric, setting string }
	seen := map[key]bool{}
	for i, m := range rows {
		for _, fault := range m.faults() {
			t.Errorf("row %d, %s on %s, %s: %s", i, m.Case, m.Store, m.Metric, fault)
		}
		k := key{m.Store, m.Case, m.Metric, m.Setting}
		if seen[k] {
			t.Errorf("row %d, %s on %s, %s, is there twice", i, m.Case, m.Store, m.Metric)
		}
		seen[k] = true
	}
}
