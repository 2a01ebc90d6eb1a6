package storetest

import (
	"fmt"
	"io"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

// A testCase enforces one rule of package store.
type testCase struct {
	name   string
	rule   int          // its number in the documentation of package store
	says   string       // what of it is enforced, printed when the case fails
	needs  []capability // that the case is about; nil makes it mandatory
	tx     bool         // uses WithTx
	beside bool         // writes beside an open transaction
	run    func(t *T)
}

// A capability is an optional interface of package store, by its name.
type capability struct {
	name    string
	offered func(store.Store) bool
	extra   bool // not a part of store.Full
}

func offers[C any](name string) capability {
	return capability{name: name, offered: func(s store.Store) bool { _, ok := store.As[C](s); return ok }}
}

func (c capability) beyondFull() capability {
	c.extra = true
	return c
}

var (
	extender  = offers[store.Extender]("Extender")
	getter    = offers[store.Getter]("Getter")
	waiter    = offers[store.Waiter]("Waiter")
	beginner  = offers[store.Beginner]("Beginner")
	lister    = offers[store.Lister]("Lister")
	counter   = offers[store.Counter]("Counter")
	canceler  = offers[store.Canceler]("Canceler")
	retrier   = offers[store.Retrier]("Retrier")
	dueSetter = offers[store.DueSetter]("DueSetter")
	deleter   = offers[store.Deleter]("Deleter")
	pauser    = offers[store.Pauser]("Pauser")
	migrator  = offers[store.Migrator]("Migrator")
	reporter  = offers[store.MigrationReporter]("MigrationReporter")
	closer    = offers[io.Closer]("Closer")

	parentCompleter = offers[store.ParentCompleter]("ParentCompleter").beyondFull()
)

// needs is for a case's field of that name.
func needs(c ...capability) []capability { return c }

// verdict is the last that a failed case says.
func (c *testCase) verdict() string { return fmt.Sprintf("rule %d: %s", c.rule, c.says) }

// check runs the case against a fresh store of h.
func (c *testCase) check(tb testing.TB, h Harness, full bool) {
	tb.Helper()
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(c.verdict())
		}
	})
	if c.tx && h.NoTx {
		tb.Skip("the harness declares NoTx")
	}
	if c.beside && h.OneWriter {
		tb.Skip("the harness declares OneWriter")
	}
	s := h.Open(tb)
	for _, need := range c.needs {
		switch {
		case need.offered(s):
		case full && !need.extra:
			tb.Fatalf("the store is no %s", need.name)
		default:
			tb.Skipf("the store is no %s", need.name)
		}
	}
	c.run(&T{TB: tb, store: s, advance: h.Advance, noTx: h.NoTx, reopen: h.Reopen})
}
