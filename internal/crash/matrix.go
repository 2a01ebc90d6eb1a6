package crash

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/internal/proof"
	"github.com/fireflytasks/go-firefly/store"
)

// A Site is where a matrix of faults is played: a store, and how to make a [Place] for each fault.
type Site struct {
	Open  Opener
	Lease time.Duration // as [Lease]; zero is a second
	Place func(t *testing.T, fault string) Place
}

// A Place is an empty store for one cell, and what can go wrong with it. What is nil cannot.
type Place struct {
	DSN  string
	Addr string // of the server, as DSN has it; empty if no network leads to the store
	Here bool   // the store is in this process: so are its workers, and what stands for a network

	Server   Server                             // can be killed
	Crowd    func(tb testing.TB) (leave func()) // takes every connection that the server has left
	Fill     func(tb testing.TB) (free func())  // takes all room on the server's disk
	Failover func(tb testing.TB) (addr string)  // kills the server, and has its replica take over
}

// envFor is how long each cell takes: without it there are few cells, and these are short.
const (
	envFor  = "FIREFLY_CHAOS_FOR"
	envSeed = "FIREFLY_CHAOS_SEED"
	brief   = 3 * time.Second
)

// Matrix plays each fault on the site: workers in several processes run what is scheduled while the fault
// strikes again and again. It fails as [Test] does. Which moments the faults strike at is drawn by a seed,
// which is printed; what is under way then is up to the machine.
func Matrix(t *testing.T, site Site) {
	t.Helper()
	span, whole := brief, false
	if text := os.Getenv(envFor); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", envFor, err)
		}
		span, whole = d, true
	}
	for _, f := range faults {
		if !whole && !f.brief {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			place := site.Place(t, f.name)
			if why := f.impossible(place); why != "" {
				proof.Add(t, proof.Entry{Fault: f.name, Untested: why})
				t.Skip(why)
			}
			if f.prepare != nil {
				if err := f.prepare(); err != nil {
					t.Fatal(err)
				}
			}
			newCell(t, site, place).play(f, span)
		})
	}
}

// A cell is a fault on a store.
type cell struct {
	*harness

	faults []fault // that there are
	place  Place
	faulty network      // between the server, and workers and who schedules; nil if there is none
	wire   *wire        // is faulty, where the store is in this process
	links  []*cut.Proxy // all that lead to the server
	crew   []member
	random *rand.Rand
}

const (
	crewSlots = 50  // of each worker: they are to have much under way
	backlog   = 500 // tasks that wait or run are enough
)

func newCell(t *testing.T, site Site, place Place) *cell {
	t.Helper()
	c := &cell{faults: faults, place: place, random: rand.New(rand.NewPCG(seed(t), 0))}
	calm, faulty := place.DSN, place.DSN
	switch {
	case place.Here:
		c.wire = newWire()
		c.faulty = c.wire
	case place.Addr != "": // those who look are not to be disturbed
		c.links = []*cut.Proxy{cut.New(t, place.Addr), cut.New(t, place.Addr)}
		calm = strings.Replace(place.DSN, place.Addr, c.links[0].Addr(), 1)
		faulty = strings.Replace(place.DSN, place.Addr, c.links[1].Addr(), 1)
		c.faulty = c.links[1]
	}
	c.harness = newHarness(t, calm, site.Open)
	c.orders.DSN, c.orders.Slots, c.orders.Brisk = faulty, crewSlots, true
	if site.Lease != 0 {
		c.orders.Lease = site.Lease
	}
	return c
}

// seed is what is drawn by, the same for the same test if it is set.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv(envSeed)
	if text == "" {
		text = strconv.FormatUint(rand.Uint64(), 36)
	}
	t.Logf("crash: %s=%s", envSeed, text)
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text + t.Name()))
	return hash.Sum64()
}

// play lets the fault strike for so long, at least once, and judges.
func (c *cell) play(f fault, span time.Duration) {
	c.Helper()
	c.crew = make([]member, crew)
	for i := range c.crew {
		c.replace(i)
	}
	load := c.supply(c.demand())
	var healed []time.Time
	for end := time.Now().Add(span); len(healed) == 0 || time.Now().Before(end); {
		c.progress()
		c.idle(0, 1)
		heal := f.strike(c)
		c.idle(f.least, f.most)
		heal()
		healed = append(healed, time.Now())
	}
	c.progress()
	load.end()
	c.finish(0)
	c.discharge()
	c.report(f, healed)
}

// demand is for a client that the faults hit, as they do workers.
func (c *cell) demand() demand {
	c.Helper()
	s, effects, err := c.open(c.Context(), c.orders.DSN)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { shut(s, effects) })
	if c.wire != nil {
		full, _ := s.(store.Full)
		s = &wired{full, &gate{}, c.wire}
	}
	client, err := firefly.NewClient(s, firefly.ClientConfig{Logger: quiet})
	if err != nil {
		c.Fatal(err)
	}
	return demand{store: s, client: client, parents: 2, plain: 18, calls: 250, enough: func() bool {
		starts, err := c.ledger.count(startLine)
		return err != nil || c.known.count()-starts > backlog
	}}
}

// progress waits until something is completed.
func (c *cell) progress() {
	c.Helper()
	before := c.count(endLine)
	c.await("work goes on", patience, func() bool { return c.count(endLine) > before+crewSlots })
}

// idle lets time pass, of so many leases.
func (c *cell) idle(least, most float64) {
	leases := least + (most-least)*c.random.Float64()
	select {
	case <-time.After(time.Duration(leases * float64(c.orders.Lease))):
	case <-c.Context().Done():
	}
}

// replace has a new worker take a place in the crew.
func (c *cell) replace(i int) {
	c.Helper()
	if c.wire != nil {
		c.crew[i] = c.understudy()
		return
	}
	c.crew[i] = c.hire(1)[0]
}

// discharge kills the crew, none of which may have ended before.
func (c *cell) discharge() {
	c.Helper()
	for _, one := range c.crew {
		select {
		case <-one.gone():
			c.Error("a worker ended by itself")
		default:
			one.kill()
		}
	}
}

// any draws one of the crew.
func (c *cell) any() int { return c.random.IntN(len(c.crew)) }

// report judges, and adds the figures to the proof.
func (c *cell) report(f fault, healed []time.Time) {
	c.Helper()
	v := c.judge()
	starts := c.lines(startLine)
	runs := len(starts)
	for i, s := range starts {
		starts[i], _, _ = strings.Cut(s, " ")
	}
	slices.Sort(starts)
	reruns := runs - len(slices.Compact(starts))
	recovery := make([]float64, len(healed))
	for i, d := range c.recoveries(healed) {
		recovery[i] = float64(d.Microseconds()) / 1000
	}
	c.Logf("crash: %s: struck %d times among %d tasks, of which %d ran again; recovered within %.0f to %.0f ms",
		f.name, len(healed), v.tasks, reruns, recovery[0], recovery[len(recovery)-1])
	proof.Add(c.T, proof.Entry{
		Fault: f.name, Strikes: len(healed), Tasks: v.tasks, Lost: v.lost + v.missing, Doubled: v.doubled, Reruns: reruns,
		RecoveryMS: recovery,
	})
}
