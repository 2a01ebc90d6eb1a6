package mongo

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
)

// A crowd is how many others seem to claim from the same queues: the level says among how many
// times as many tasks as it needs, as a power of two, a claim spreads.
type crowd struct{ of atomic.Int32 }

const mostCrowded = 3

func (c *crowd) level() int32 { return c.of.Load() }

// saw learns from a claim that won some of the tasks that it tried for.
func (c *crowd) saw(tried, won int) {
	switch level := c.of.Load(); {
	case won < tried-tried/4:
		c.of.Store(min(level+1, mostCrowded))
	case won == tried && level > 0 && rand.N(8) == 0:
		c.of.Store(level - 1)
	}
}

// pick returns up to n of the candidates, the first ones or in a crowd those of a stretch at random,
// and what is left.
func (c *crowd) pick(due []record, n int) (picked, left []record) {
	if len(due) <= n {
		return due, nil
	}
	from := 0
	if c.level() > 0 {
		stretches := (len(due) + n - 1) / n
		from = min(rand.N(stretches)*n, len(due)-n)
	}
	return slices.Clone(due[from : from+n]), slices.Delete(due, from, from+n)
}
