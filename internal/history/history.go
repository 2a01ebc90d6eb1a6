// Package history lets concurrent clients call a store at random, partly through connections that are
// cut, and checks that what they saw is linearizable: that there is one order of all calls, in which
// each takes effect at a moment between its beginning and its end, that the contract of package store
// allows. A call in doubt may have happened at any later moment, or not at all. The checker is
// porcupine, the order is looked for task by task.
package history

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/internal/proof"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
)

// A Plan says what is tried.
type Plan struct {
	CutEvery int    // one history of so many has connections cut; zero is none
	Seed     uint64 // zero is a new one
}

const (
	clients = 5
	calls   = 8 // of each client
)

// How many histories are enough: for a proof, for a test, and for one that is short or under the race
// detector.
const (
	many = 1000
	some = 300
	few  = 100
)

// enough says how many histories there is time for.
func enough() int {
	switch {
	case testing.Short() || race.Enabled:
		return few
	case proof.Wanted():
		return many
	default:
		return some
	}
}

// Check records histories on a database, and fails at the first that is not linearizable, of which it
// leaves a picture for a browser. An empty URL of the database means that its connections cannot be
// cut.
func Check(t *testing.T, open storefaults.Opener, p Plan) {
	t.Helper()
	if p.Seed == 0 {
		p.Seed = rand.Uint64()
	}
	stores, proxies := connect(t, open(t))
	histories, total, doubts := enough(), 0, 0
	for i := range histories {
		h := newRecorder(i)
		stop := func() {}
		if p.CutEvery > 0 && i%p.CutEvery == 1 {
			stop = cutAtRandom(proxies, rand.New(rand.NewPCG(p.Seed, uint64(i))))
		}
		h.record(t, stores, p.Seed+uint64(i))
		stop()
		h.look(t, stores[len(stores)-1])
		if wrong := h.judge(); wrong != nil {
			t.Fatalf("history %d of seed %d: %s", i, p.Seed, wrong.explain(t, fmt.Sprintf("firefly-history-%d-%d.html", p.Seed, i)))
		}
		n, unknown := h.count()
		total, doubts = total+n, doubts+unknown
	}
	if p.CutEvery > 0 && len(proxies) > 0 && doubts == 0 {
		t.Error("no call was ever in doubt")
	}
	proof.Add(t, proof.Entry{Histories: histories})
	t.Logf("history: %d histories are linearizable: %d calls, %d of them in doubt (seed %d)", histories, total, doubts, p.Seed)
}

// connect opens stores: two through a proxy each, where there can be one, and last one that is not.
func connect(t *testing.T, db storefaults.Database) (stores []store.Full, proxies []*cut.Proxy) {
	t.Helper()
	direct := db.Open(t, db.URL)
	if err := direct.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		through := db.URL
		if db.URL != "" {
			u, err := url.Parse(db.URL)
			if err != nil {
				t.Fatal(err)
			}
			proxy := cut.New(t, u.Host)
			proxies = append(proxies, proxy)
			u.Host = proxy.Addr()
			through = u.String()
		}
		stores = append(stores, db.Open(t, through))
	}
	return append(stores, direct), proxies
}

// cutAtRandom cuts connections, before requests and before replies, until stop is called.
func cutAtRandom(proxies []*cut.Proxy, random *rand.Rand) (stop func()) {
	for _, p := range proxies {
		p.CutAfter([]cut.Moment{cut.Request, cut.Reply}[random.IntN(2)], random.IntN(2*calls))
	}
	return func() {
		for _, p := range proxies {
			p.Spare()
		}
	}
}

// record lets the clients make their calls.
func (h *recorder) record(t *testing.T, stores []store.Full, seed uint64) {
	t.Helper()
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range clients {
		c := &client{
			recorder: h, name: i, store: stores[i%len(stores)], random: rand.New(rand.NewPCG(seed, uint64(i))),
		}
		all.Go(func() {
			<-begin
			for range calls {
				c.call(t.Context())
			}
		})
	}
	close(begin)
	all.Wait()
}

// look reads how all tasks have ended, after everything else.
func (h *recorder) look(t *testing.T, s store.Full) {
	t.Helper()
	c := &client{recorder: h, name: clients, store: s}
	for _, id := range h.ids {
		if err := c.get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}
