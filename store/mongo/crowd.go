package mongo

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A crowd is how many others seem to claim from the same queues. Claims keep out of their way: they
// look for the first tasks of a share, drawn at random and kept while nobody else is met there, but not
// for long: no task must wait in one where nobody looks.
type crowd struct {
	mu sync.Mutex
	share
	drawn time.Time
}

// A share is one of a power of two: of all tasks at level zero, of half of them at level one.
type share struct {
	level int
	rest  int64 // of the ids, divided by the number of shares
}

const (
	mostCrowded = 5
	shareLasts  = 2 * time.Second
)

// now returns the share to look in.
func (c *crowd) now() share {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.level > 0 && time.Since(c.drawn) > shareLasts {
		c.draw(c.level)
	}
	return c.share
}

// saw learns from a claim that won some of the tasks that it tried for. If it had not even found as many
// as it wanted, there are too few to share.
func (c *crowd) saw(tried, won int, enough bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost := won < tried-tried/4
	switch {
	case lost && !enough:
		c.draw(c.level)
	case lost && won <= tried/4:
		c.draw(c.level + 2)
	case lost:
		c.draw(c.level + 1)
	case won == tried && c.level > 0 && rand.N(8) == 0:
		c.draw(c.level - 1)
	}
}

// thin learns that a share was too small.
func (c *crowd) thin(s share) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.share == s && s.level > 0 {
		c.draw(s.level - 1)
	}
}

// draw draws a share at random. The mutex is held.
func (c *crowd) draw(level int) {
	c.level, c.drawn = min(level, mostCrowded), time.Now()
	c.rest = rand.N(int64(1) << c.level)
}

// narrow keeps a filter to the share, but for tasks that are more urgent than usual.
func (s share) narrow(filter bson.M, usual int32) {
	if s.level > 0 {
		filter["$or"] = bson.A{
			bson.M{"_id": bson.M{"$mod": bson.A{int64(1) << s.level, s.rest}}},
			bson.M{"priority": bson.M{"$gt": usual}},
		}
	}
}

// pick returns up to n of the candidates and what is left: the first ones or, from among all tasks in
// a crowd, those of a stretch at random.
func pick(due []record, n int, spread bool) (picked, left []record) {
	if len(due) <= n {
		return due, nil
	}
	from := 0
	if spread {
		stretches := (len(due) + n - 1) / n
		from = min(rand.N(stretches)*n, len(due)-n)
	}
	return slices.Clone(due[from : from+n]), slices.Delete(due, from, from+n)
}
