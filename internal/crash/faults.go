package crash

import (
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/store"
)

// A fault is something that goes wrong, and is healed again.
type fault struct {
	name        string
	brief       bool         // also played where time is short
	least, most float64      // how long it lasts, in leases
	prepare     func() error // before anything is under way; nil is nothing
	strike      func(c *cell) (heal func())
	needs       func(p Place) bool // nil is nothing
	lacks       string             // what a place lacks that has not what it needs
}

// The faults that a place has to prepare for.
const (
	DiskFull = "disk-full"
	Failover = "failover"
)

const noNetwork = "no network leads to the store"

func networked(p Place) bool { return p.Addr != "" || p.Here }

var faults = []fault{
	{name: "none", strike: func(*cell) func() { return func() {} }},
	{name: "worker-kill", most: 1, strike: (*cell).killOne},
	{name: "worker-stop", least: 1.2, most: 2.5, strike: (*cell).stopOne},
	{name: "worker-restart", brief: true, strike: (*cell).restartAll},
	{
		name: "worker-clock", prepare: func() error { _, err := skewed(); return err }, strike: (*cell).shiftClock,
		needs: func(p Place) bool { return p.Server != nil }, lacks: "the workers share the machine's clock, which is the store's, too",
	},
	{name: "poison", brief: true, strike: (*cell).poisonOne},
	{
		name: "server-kill", most: 1.5, strike: (*cell).killServer,
		needs: func(p Place) bool { return p.Server != nil }, lacks: "the store has no server",
	},
	{
		name: Failover, strike: (*cell).failOver,
		needs: func(p Place) bool { return p.Failover != nil }, lacks: "there is no replica of the server",
	},
	{
		name: DiskFull, least: .2, most: 1, strike: func(c *cell) func() { return c.place.Fill(c) },
		needs: func(p Place) bool { return p.Fill != nil }, lacks: "there is no disk that can be filled",
	},
	{
		name: "no-connection", brief: true, least: .2, most: 1.5, strike: func(c *cell) func() { return c.place.Crowd(c) },
		needs: func(p Place) bool { return p.Crowd != nil }, lacks: "the server has no bound on its connections that could be reached",
	},
	{name: "cut-request", most: .1, strike: cutAt(cut.Request), needs: networked, lacks: noNetwork},
	{name: "cut-reply", brief: true, most: .1, strike: cutAt(cut.Reply), needs: networked, lacks: noNetwork},
	{name: "black-hole", brief: true, least: .5, most: 2.5, strike: (*cell).interrupt, needs: networked, lacks: noNetwork},
	{name: "slow-network", least: .5, most: 1.5, strike: (*cell).slowDown, needs: networked, lacks: noNetwork},
	{name: "all", strike: (*cell).anything},
}

// impossible says why a fault cannot be played at a place, if so.
func (f fault) impossible(p Place) string {
	if f.needs == nil || f.needs(p) {
		return ""
	}
	return f.lacks
}

func (c *cell) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cell) killOne() (heal func()) {
	i := c.any()
	c.crew[i].kill()
	return func() { c.replace(i) }
}

func (c *cell) stopOne() (heal func()) {
	one := c.crew[c.any()]
	c.must(one.stop())
	return func() { c.must(one.goOn()) }
}

// restartAll ends one worker after the other as a deployment does: each may finish what it runs.
func (c *cell) restartAll() (heal func()) {
	for i, one := range c.crew {
		c.must(one.retire())
		c.replace(i)
	}
	return func() {}
}

// poisonOne schedules a task that kills each worker that runs it, and waits until it is given up.
func (c *cell) poisonOne() (heal func()) {
	h, err := poison.Schedule(c.Context(), c.client, firefly.None{})
	if err != nil {
		c.Fatal(err)
	}
	getter, _ := store.As[store.Getter](c.store)
	c.await("a task that kills its workers is given up", 3*patience, func() bool {
		for i, one := range c.crew {
			select {
			case <-one.gone():
				c.replace(i)
			default:
			}
		}
		tasks, err := getter.Get(c.Context(), []int64{h.ID()})
		return err == nil && len(tasks) == 1 && tasks[0].Status.Terminal()
	})
	return func() {}
}

func (c *cell) killServer() (heal func()) {
	c.place.Server.Kill(c)
	return func() { c.place.Server.Restart(c) }
}

// failOver kills the server, and has its address lead to the replica that takes over.
func (c *cell) failOver() (heal func()) {
	addr := c.place.Failover(c)
	for _, link := range c.links {
		link.Lead(addr)
	}
	return func() {}
}

// cutAt cuts some connections before a request arrives, or before its reply is back.
func cutAt(m cut.Moment) func(c *cell) func() {
	return func(c *cell) func() {
		for range 1 + c.random.IntN(5) {
			cuts := c.faulty.Cuts()
			c.faulty.CutAfter(m, c.random.IntN(30))
			c.await("a connection is cut", patience, func() bool { return c.faulty.Cuts() > cuts })
		}
		return c.faulty.Spare
	}
}

// interrupt lets nothing through. Afterwards all arrives, late, or the connections are gone.
func (c *cell) interrupt() (heal func()) {
	c.faulty.Interrupt()
	late := c.random.IntN(2) == 0
	return func() {
		if !late {
			c.faulty.CutAll()
		}
		c.faulty.Mend()
	}
}

// slowDown has each part of what is sent take a while, up to a fifth of a lease.
func (c *cell) slowDown() (heal func()) {
	c.faulty.Slow(c.orders.Lease / 5)
	return c.faulty.Mend
}

// anything lets one of the other faults strike that are possible here.
func (c *cell) anything() (heal func()) {
	for {
		f := c.faults[c.random.IntN(len(c.faults))]
		switch f.name {
		case "none", "worker-clock", Failover, DiskFull, "all": // which take a place of their own
			continue
		}
		if f.impossible(c.place) == "" {
			heal := f.strike(c)
			c.idle(f.least, f.most)
			return heal
		}
	}
}
