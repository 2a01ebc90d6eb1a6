package storefaults

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/store"
)

// Cut cuts the connection of each call that writes tasks, and of commits, before each of its requests
// arrives, and before each reply is back. What is then said not to have happened has not. What is in
// doubt is repeated, and in the end has happened once.
func Cut(t *testing.T, open Opener) {
	t.Helper()
	for moment := range moments {
		t.Run(moment, func(t *testing.T) {
			s := open.scene(t)
			for _, n := range []int64{1, 4, 300} { // stores have other ways for one, and for many
				for _, c := range calls(s.through, n) {
					t.Run(fmt.Sprint(c.name, " ", n), func(t *testing.T) { s.cutCall(t, moment, c, n) })
				}
			}
			t.Run("commit", func(t *testing.T) { s.cutCommit(t, moment) })
			ExpectCounts(t, s.direct, store.QueueCounts{})
		})
	}
	t.Run("any moment", func(t *testing.T) { open.scene(t).cutAtAnyMoment(t) })
}

var moments = map[string]cut.Moment{"request": cut.Request, "reply": cut.Reply}

// A cutoff is a moment at which a call is cut, and what came of it.
type cutoff struct {
	*cut.Proxy

	moment string
	nth    int   // of that kind, from zero on
	hit    bool  // there was such a moment
	err    error // of the call
}

func (c *cutoff) during(call func() error) {
	before := c.Cuts()
	c.CutAfter(moments[c.moment], c.nth)
	c.err = call()
	c.Spare()
	c.hit = c.Cuts() > before
}

// nothing reports whether the call cannot have changed anything: it says so, or nobody has heard of it.
func (c *cutoff) nothing() bool {
	return c.err != nil && (store.IsDefinite(c.err) || c.moment == "request" && c.nth == 0)
}

func (c *cutoff) String() string { return fmt.Sprintf("cut at %s %d (%v)", c.moment, c.nth+1, c.err) }

// cut has a call cut at its first moment of a kind, its second, and so on, while there are any. At one of
// them it must be in doubt, unless it is known to find out by itself.
func (s *scene) cut(t *testing.T, moment string, findsOut bool, try func(c *cutoff)) {
	t.Helper()
	const most = 100
	c, doubt := &cutoff{Proxy: s.proxy, moment: moment}, findsOut
	for range most {
		try(c)
		switch {
		case c.hit && (c.err != nil || findsOut):
			c.nth++
			doubt = doubt || c.err != nil && !store.IsDefinite(c.err)
		case c.hit: // something else that the store does, beside the call
		case c.err != nil:
			t.Fatalf("%s, but there was nothing to cut", c)
		case doubt:
			return
		default: // new ids may have taken a request before the one that leaves a doubt
			c.nth = rand.N(c.nth + 1)
		}
	}
	t.Errorf("cut %d times, at one %s after the other; in doubt at one of them: %t", most, moment, doubt)
}
