// Package proof gathers the figures of what the tests have shown. A test that shows something adds them,
// and when FIREFLY_PROOF names a file, as "make proof" does, they are written there, a line of JSON each.
package proof

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Env names the variable with the name of the file.
const Env = "FIREFLY_PROOF"

// An Entry is what one test has shown. Figures that it has nothing to do with are zero.
type Entry struct {
	Store string `json:"store"` // set by Add, to that whose package is tested

	Fault      string    `json:"fault,omitempty"` // of a cell of the matrix
	Strikes    int       `json:"strikes,omitempty"`
	Tasks      int       `json:"tasks,omitempty"`
	Lost       int       `json:"lost,omitempty"`
	Doubled    int       `json:"doubled,omitempty"` // effects
	Reruns     int       `json:"reruns,omitempty"`
	RecoveryMS []float64 `json:"recovery_ms,omitempty"` // from the end of a fault to the next completion
	Untested   string    `json:"untested,omitempty"`    // why this cell was not played

	ModelSteps int `json:"model_steps,omitempty"`
	Histories  int `json:"histories,omitempty"`
	Killed     int `json:"killed,omitempty"` // mutants
	Mutants    int `json:"mutants,omitempty"`
}

// Wanted reports whether a proof is being made, for which tests do all that they can.
func Wanted() bool { return os.Getenv(Env) != "" }

// Add writes an entry, if a proof is wanted.
func Add(tb testing.TB, e Entry) {
	tb.Helper()
	if !Wanted() {
		return
	}
	e.Store = strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	line, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	file, err := os.OpenFile(os.Getenv(Env), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // whoever runs the tests names it
	if err == nil {
		_, err = file.Write(append(line, '\n'))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		tb.Error(err)
	}
}
