package firefly

// caution bounds claims while suspects come: of those that one claim brings, all but one have to be
// given back, and the next claim would bring them again. Its zero value does not bound.
type caution struct{ most int }

// bound returns how many of n tasks to claim.
func (c *caution) bound(n int) int {
	if c.most > 0 {
		return min(n, c.most)
	}
	return n
}

// note learns from how many suspects a claim has brought. After any, the next one brings a single task;
// after none, it may bring twice as many.
func (c *caution) note(suspects int) {
	switch {
	case suspects > 0:
		c.most = 1
	case c.most > mostClaimed/2:
		c.most = 0
	default:
		c.most *= 2
	}
}
