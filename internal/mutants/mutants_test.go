// Package mutants breaks the engine on purpose, one line at a time, and sees that a test which is
// named beside each break fails. What the conformance kit finds in stores that are broken on purpose
// is in package storetest.
package mutants_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/proof"
	"github.com/fireflytasks/go-firefly/internal/race"
)

// A mutant is the engine with one fault.
type mutant struct {
	fault  string
	file   string // of package firefly
	is     string // stands there once
	broken string // what stands there instead
	killed string // by this test
}

func TestMutants(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("compiles the engine for each fault")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, m := range mutants {
		t.Run(m.fault, func(t *testing.T) {
			if m.survives(t, root) {
				t.Errorf("%s passes although %s", m.killed, m.fault)
				return
			}
			killed++
		})
	}
	proof.Add(t, proof.Entry{Killed: killed, Mutants: len(mutants)})
	t.Logf("mutants: %d of %d faults of the engine are found, each by the test that is named for it", killed, len(mutants))
}

// survives reports whether the test passes.
func (m *mutant) survives(t *testing.T, root string) bool {
	t.Helper()
	source := filepath.Join(root, "firefly", m.file)
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.is); n != 1 {
		t.Fatalf("%s has %d times, not once: %s", m.file, n, m.is)
	}
	test := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=1m",
		"-overlay="+overlay(t, source, strings.Replace(string(text), m.is, m.broken, 1)), "-run=^"+m.killed+"$", "./firefly")
	test.Dir = root
	out, err := test.CombinedOutput()
	switch {
	case err == nil:
		return true
	case !strings.Contains(string(out), m.killed): // it does not compile, or there is no such test
		t.Fatalf("%v: %v\n%s", test, err, out)
	}
	return false
}

// overlay lets the go command see another text in the place of a file.
func overlay(t *testing.T, source, text string) (name string) {
	t.Helper()
	dir := t.TempDir()
	other := filepath.Join(dir, "mutant.go")
	name = filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{source: other}})
	if err == nil {
		err = os.WriteFile(other, []byte(text), 0o600)
	}
	if err == nil {
		err = os.WriteFile(name, replace, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}
