package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/proof"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

func TestMain(m *testing.M) {
	patience, outsideLook = 3*time.Second, time.Second
	m.Run()
}

func TestCasesAreWellFormed(t *testing.T) {
	cases := allCases()
	if len(cases) < 80 {
		t.Errorf("%d cases, want at least 80", len(cases))
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.name] {
			t.Errorf("%s: the name is used twice", c.name)
		}
		seen[c.name] = true
		if c.rule < 1 || c.rule > 20 || c.says == "" || c.run == nil {
			t.Errorf("%s: rule %d, says %q", c.name, c.rule, c.says)
		}
	}
}

func TestWholeStorePassesEveryCase(t *testing.T) {
	for _, c := range allCases() {
		if r := judge(t, c, memoryHarness(whole)); r.failed || r.skipped && c.name != "TxUnsupportedSaysSo" {
			t.Errorf("%s: failed %t, skipped %t\n%s", c.name, r.failed, r.skipped, r.log.String())
		}
	}
}

// TestBrokenStoresAreConvicted shows that each seeded bug fails the case that is about it, and
// that the case then says which rule was broken.
func TestBrokenStoresAreConvicted(t *testing.T) {
	convicted := 0
	for _, b := range brokenStores {
		t.Run(strings.ReplaceAll(b.bug, " ", "_"), func(t *testing.T) {
			i := slices.IndexFunc(allCases(), func(c testCase) bool { return c.name == b.convict })
			if i < 0 {
				t.Fatalf("no case %s", b.convict)
			}
			c := allCases()[i]
			r := judge(t, c, b.harness())
			if !r.failed {
				t.Fatalf("%s lets it pass", c.name)
			}
			if want := fmt.Sprintf("rule %d: %s", c.rule, c.says); !strings.Contains(r.log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, r.log.String())
			}
			convicted++
		})
	}
	proof.Add(t, proof.Entry{Killed: convicted, Mutants: len(brokenStores)})
}

// TestEveryCaseConvictsSomebody shows that no case is there for nothing. Those that the test
// above names need no more.
func TestEveryCaseConvictsSomebody(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every case against every broken store until one fails")
	}
	idle := map[string]bool{}
	for _, c := range allCases() {
		shown := slices.ContainsFunc(brokenStores, func(b brokenStore) bool { return b.convict == c.name })
		if !shown && !slices.ContainsFunc(brokenStores, func(b brokenStore) bool { return judge(t, c, b.harness()).failed }) {
			idle[c.name] = true
		}
	}
	for name := range maps.Keys(unconvicting) {
		if !idle[name] {
			t.Errorf("%s is listed as convicting nobody, but does", name)
		}
		delete(idle, name)
	}
	for _, name := range slices.Sorted(maps.Keys(idle)) {
		t.Errorf("%s is failed by no broken store: seed a bug that it finds, or say why not", name)
	}
}

// unconvicting are the cases that no broken store fails, and why.
var unconvicting = map[string]string{
	"TxUnsupportedSaysSo": "runs only on stores without transactions: see TestNoTx",
}

func TestNoTx(t *testing.T) {
	h := memoryHarness(whole)
	h.NoTx = true
	for _, c := range allCases() {
		r := judge(t, c, h)
		switch {
		case c.name == "TxUnsupportedSaysSo" && !r.failed:
			t.Errorf("%s passes a store that has transactions", c.name)
		case c.tx && !r.skipped:
			t.Errorf("%s is not skipped", c.name)
		}
	}
}

// TestNoTxChecksTheRest shows that a store without transactions is checked on all that needs none,
// what stands in for them included.
func TestNoTxChecksTheRest(t *testing.T) {
	h := memoryHarness(func(s *memory.Store, _ *fakeClock) store.Store { return withoutTx{s} })
	h.NoTx = true
	for _, c := range allCases() {
		if r := judge(t, c, h); r.failed || r.skipped != c.tx {
			t.Errorf("%s: failed %t, skipped %t\n%s", c.name, r.failed, r.skipped, r.log.String())
		}
	}
}

// withoutTx is a memory store without transactions.
type withoutTx struct{ *memory.Store }

func (s withoutTx) WithTx(context.Context, func(context.Context, store.Writer) error) error {
	return store.Unsupported(s, "WithTx")
}

func (s withoutTx) Begin(context.Context) (store.Tx, error) {
	return nil, store.Unsupported(s, "Begin")
}

// TestParentCompleterIsBeyondFull shows that RunFull does not ask for what only stores without
// transactions need.
func TestParentCompleterIsBeyondFull(t *testing.T) {
	h := memoryHarness(func(s *memory.Store, _ *fakeClock) store.Store { return struct{ store.Full }{s} })
	for _, c := range parentCases {
		if r := judge(t, c, h); r.failed || !r.skipped {
			t.Errorf("%s: failed %t, skipped %t\n%s", c.name, r.failed, r.skipped, r.log.String())
		}
	}
}

// TestWalkPrintsItsPrefix shows that a failing walk says how to repeat it, and ends where it failed.
func TestWalkPrintsItsPrefix(t *testing.T) {
	broken := brokenStores[slices.IndexFunc(brokenStores, func(b brokenStore) bool { return b.bug == "retry counts nothing" })]
	const seed, steps = 1, 2000
	walk := func(n int) *recorder {
		return judge(t, testCase{name: "walk", run: func(t *T) { t.walk(seed, n) }}, broken.harness())
	}
	r := walk(steps)
	_, code, _ := strings.Cut(r.log.String(), "storetest.Walk(")
	var taken int
	if _, err := fmt.Sscanf(code, "t, harness, 1, %d)", &taken); err != nil || !r.failed || taken >= steps {
		t.Fatalf("failed %t, error %v:\n%s", r.failed, err, r.log.String())
	}
	if !walk(taken).failed || walk(taken-1).failed {
		t.Fatalf("%d steps are not the shortest walk that fails", taken)
	}
}

func TestLongWalks(t *testing.T) {
	steps, seeds := 10_000, uint64(2)
	if testing.Short() {
		steps, seeds = 1000, 1
	}
	for seed := range seeds {
		Walk(t, memoryHarness(whole), seed, steps)
	}
}
