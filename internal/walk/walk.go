// Package walk makes up walks in a store, in lockstep with the conformance kit's model, and shrinks one
// that goes wrong to a short program. The generator is rapid, the steps are those of package storetest.
package walk

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fireflytasks/go-firefly/internal/proof"
	"github.com/fireflytasks/go-firefly/storetest"
)

// Check takes a hundred walks of so many steps, each in a store of its own, and fails at the first that
// goes wrong, with a Go test that repeats its shortest form. How many there are is rapid's affair: see its
// flag -rapid.checks. Short tests take a fifth.
func Check(tb testing.TB, h storetest.Harness, steps int) {
	tb.Helper()
	if err := flag.Set("rapid.nofailfile", "true"); err != nil { // the program is enough
		tb.Fatal(err)
	}
	taken := 0
	walk := rapid.SliceOfN(newStep(), steps, steps)
	rapid.Check(tb, func(t *rapid.T) {
		all := withoutIdle(walk.Draw(t, "steps"))
		taken += len(all)
		if err := storetest.Steps(t.Context(), h, all); err != nil {
			t.Logf("%v\n\n%s", err, program(all))
			t.Fatal("the store is not as the model: see above") // the same text each time: rapid compares it
		}
	})
	proof.Add(tb, proof.Entry{ModelSteps: taken})
}

// idle is the name of a step that does nothing: what a step shrinks to first. As the walk's length stays,
// every check takes as many steps.
const idle = ""

func newStep() *rapid.Generator[storetest.Step] {
	calls, number := storetest.Calls(), rapid.Uint32()
	return rapid.Custom(func(t *rapid.T) storetest.Step {
		s := storetest.Step{Call: idle, A: spread(number.Draw(t, "a")), B: spread(number.Draw(t, "b"))}
		if n := spread(number.Draw(t, "call")); n > 0 {
			s.Call = calls[n%uint32(len(calls))] //nolint:gosec // there are a hundred
		}
		return s
	})
}

// spread makes numbers of which each is as likely as any other of rapid's, which prefers small ones. Zero
// stays zero, as it is what numbers shrink to.
func spread(n uint32) uint32 {
	n ^= n >> 16 // the finalizer of MurmurHash3, which is a permutation
	n *= 0x85ebca6b
	n ^= n >> 13
	n *= 0xc2b2ae35
	return n ^ n>>16
}

func withoutIdle(steps []storetest.Step) (taken []storetest.Step) {
	for _, s := range steps {
		if s.Call != idle {
			taken = append(taken, s)
		}
	}
	return taken
}

// program returns a Go test that takes the steps again, with the harness that its file has.
func program(steps []storetest.Step) string {
	var b strings.Builder
	b.WriteString("func TestSteps(t *testing.T) {\n\terr := storetest.Steps(t.Context(), harness, []storetest.Step{\n")
	for _, s := range steps {
		fmt.Fprintf(&b, "\t\t{Call: %q, A: %d, B: %d},\n", s.Call, s.A, s.B)
	}
	b.WriteString("\t})\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n}\n")
	return b.String()
}
