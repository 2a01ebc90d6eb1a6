// Package storetest proves that a store keeps the contract of package store. It is for anyone
// who writes one:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, storetest.Harness{
//			Open:    func(tb testing.TB) store.Store { return mystore.New(clock.Now) },
//			Advance: clock.Advance,
//		})
//	}
//
// Each case is a subtest with a stable name; one that fails prints the rule of package store
// that it enforces, by its number there.
package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A Harness gives the kit the store under test.
type Harness struct {
	// Open returns an empty store, ready for use, and closes it through tb.Cleanup. The kit
	// calls it once for each case. Required.
	Open func(tb testing.TB) store.Store

	// Advance moves the clock of every store that Open returned forward by d, at once: an
	// offset that the store adds to its own or its server's clock. The clock also runs on by
	// itself, or stands still: the kit asks for no more than that it never goes back. Required.
	Advance func(d time.Duration)

	// Reopen closes a store that Open returned, and opens one on the same tasks, as a process does
	// that is started anew; it is closed as Open's. Optional: nil is for a store whose tasks end with
	// it.
	Reopen func(tb testing.TB, s store.Store) store.Store

	// NoTx declares that WithTx is not supported. Its cases are skipped, and one makes sure
	// that WithTx says so. Those of ParentCompleter are not: it is for such stores.
	NoTx bool

	// OneWriter declares that an open transaction keeps every other write waiting, as a store
	// with one lock does. Cases that write beside one are skipped.
	OneWriter bool
}

// Run checks the six methods of [store.Store], which are mandatory, and those capabilities that
// the store has. Cases of capabilities that it lacks are skipped by name.
func Run(t *testing.T, h Harness) { run(t, h, false) }

// RunFull is Run for a store that must have every capability of [store.Full]: a missing one is a
// failure.
func RunFull(t *testing.T, h Harness) { run(t, h, true) }

func run(t *testing.T, h Harness, full bool) {
	t.Helper()
	if h.Open == nil || h.Advance == nil {
		t.Fatal(errIncomplete)
	}
	cases := allCases()
	mandatory := 0
	for _, c := range cases {
		if c.needs == nil {
			mandatory++
		}
	}
	skipped := 0
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if t.Skipped() {
					skipped++
				}
			}()
			c.check(t, h, full)
		})
	}
	t.Logf("conformance: %d cases, %d of them mandatory, %d of capabilities; %d skipped",
		len(cases), mandatory, len(cases)-mandatory, skipped)
}

// allCases returns every case, in the order in which they run.
func allCases() []testCase {
	return slices.Concat(insertCases, uniqueCases, claimCases, leaseCases, settleCases,
		txCases, parentCases, adminCases, migrateCases, lifeCases)
}
