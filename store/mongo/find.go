package mongo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// find looks for candidates, as many as all claims need that wait for their turn. Its claim has it. In
// a crowd it keeps to its share, unless there is too little in it.
func (c *claiming) find(ctx context.Context) error {
	f := &c.s.candidates
	of := f.crowd.now()
	limit := f.wanted(c.Limit) + f.underWay()
	f.forget()
	if err := c.findIn(ctx, of, limit); err != nil || of.level == 0 || len(f.due) >= c.Limit {
		return err
	}
	f.crowd.thin(of)
	if len(f.due) >= c.fair() {
		return nil
	}
	f.forget()
	err := c.findIn(ctx, share{}, limit)
	f.spread = true
	return err
}

// fair is how many tasks a claim makes do with in a crowd, rather than look again.
func (c *claiming) fair() int { return max(1, c.Limit/4) }

// findIn looks for candidates in a share.
func (c *claiming) findIn(ctx context.Context, of share, limit int) error {
	f := &c.s.candidates
	began, changes := time.Now(), f.changes.Load()
	lanes := make([][]record, len(c.Queues))
	reads := make([]func() error, len(c.Queues))
	for i, queue := range c.Queues {
		reads[i] = func() (err error) {
			lanes[i], err = c.lane(ctx, queue, of, limit)
			return err
		}
	}
	if err := sideBySide(reads); err != nil {
		return err
	}
	f.queues, f.names, f.began, f.seen = slices.Clone(c.Queues), slices.Clone(c.Names), began, changes
	f.until = c.at.early + min(max(candidatesLast, 10*time.Since(began)), candidatesLastMost).Microseconds()
	due := c.merge(lanes)
	if end := firstEnd(due, lanes, limit); end >= 0 {
		due, f.more = due[:end+1], true
	}
	if len(due) > 0 {
		f.usual = due[0].Priority
	}
	f.due = f.free(due)
	return nil
}

// firstEnd returns the place at which the first of the lanes ends that have more than was looked for:
// what comes next may be of that lane. It is -1 if there is none.
func firstEnd(due []record, lanes [][]record, limit int) int {
	ends := map[int64]bool{}
	for _, lane := range lanes {
		if len(lane) == limit {
			ends[lane[limit-1].ID] = true
		}
	}
	return slices.IndexFunc(due, func(r record) bool { return ends[r.ID] })
}

// lane finds due tasks of a queue, as they come first by the index "claim".
func (c *claiming) lane(ctx context.Context, queue string, of share, limit int) ([]record, error) {
	filter := bson.M{
		"status": store.Created, "queue": queue, "name": bson.M{"$in": c.Names}, "due": bson.M{"$lte": c.at.early},
	}
	of.narrow(filter, c.s.candidates.usual)
	return readAll[record](ctx, c.s.hints, filter, options.Find().
		SetSort(keys("-priority", "due", "_id")).
		SetLimit(int64(limit)).
		SetProjection(bson.M{"queue": 1, "priority": 1, "due": 1}))
}

// merge puts the tasks of all queues into the order of rule 8.
func (c *claiming) merge(lanes [][]record) []record {
	if len(lanes) == 1 {
		return lanes[0] // as it came
	}
	all := slices.Concat(lanes...)
	slices.SortStableFunc(all, func(a, b record) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority),
			cmp.Compare(slices.Index(c.Queues, a.Queue), slices.Index(c.Queues, b.Queue)),
			cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
	})
	return all
}
