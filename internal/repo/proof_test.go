package repo_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is published as proof must be of every store, and show what it claims.
func TestProof(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "proof.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("it is not made yet: make proof")
	}
	var proof struct {
		Stores map[string]struct {
			Tasks, Lost, Doubled, Reruns, Histories int
			Faults                                  map[string]int
			P50                                     float64 `json:"recovery_p50_ms"`
			P99                                     float64 `json:"recovery_p99_ms"`
			ModelSteps                              int     `json:"model_steps"`
		}
		Mutants struct{ Killed, Total int }
	}
	if err == nil {
		err = json.Unmarshal(text, &proof)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{"memory", "sqlite", "postgres", "redis", "mongo"} {
		s, ok := proof.Stores[store]
		if !ok || s.Lost != 0 || s.Doubled != 0 || s.Tasks == 0 || len(s.Faults) == 0 || s.P50 > s.P99 || s.ModelSteps == 0 || s.Histories == 0 {
			t.Errorf("%s: %+v", store, s)
		}
	}
	if m := proof.Mutants; m.Killed != m.Total || m.Total < 40 {
		t.Errorf("mutants: %+v", m)
	}
}
