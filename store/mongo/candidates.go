package mongo

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// candidates finds due tasks of a queue, as they come first by the index "claim".
func (c *claiming) candidates(ctx context.Context, queue string) ([]record, error) {
	filter := bson.M{
		"status": store.Created, "queue": queue, "name": bson.M{"$in": c.Names}, "due": bson.M{"$lte": c.at.early},
	}
	return readAll[record](ctx, c.s.hints, filter, options.Find().
		SetSort(keys("-priority", "due", "_id")).
		SetLimit(int64(c.Limit)<<c.s.crowd.level()).
		SetProjection(bson.M{"queue": 1, "priority": 1, "due": 1}))
}

// merge puts the candidates of all queues that are not paused into the order of rule 8.
func (c *claiming) merge(lanes [][]record, paused []string) []record {
	var all []record
	for i, queue := range c.Queues {
		if !slices.Contains(paused, queue) {
			all = append(all, lanes[i]...)
		}
	}
	if len(lanes) == 1 {
		return all // as it came
	}
	slices.SortStableFunc(all, func(a, b record) int { // lanes come in the order of queues
		return cmp.Or(cmp.Compare(b.Priority, a.Priority),
			cmp.Compare(slices.Index(c.Queues, a.Queue), slices.Index(c.Queues, b.Queue)),
			cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// claimTries bounds how often a claim looks again for tasks in place of those that others took first.
const claimTries = 3

// take claims candidates by compare-and-set, and returns those that it won.
func (c *claiming) take(ctx context.Context, due []record) ([]store.Task, error) {
	won, counted := 0, tally{}
	for try := 1; ; try++ {
		few := len(due) < c.Limit-won
		picked := c.s.crowd.pick(due, c.Limit-won)
		n, err := c.takeOnce(ctx, picked, counted)
		if err != nil {
			return nil, err
		}
		c.s.crowd.saw(len(picked), n)
		won += n
		if won == c.Limit || few && n == len(picked) || try == claimTries {
			break
		}
		found, err := c.look(ctx)
		if err != nil {
			return nil, err
		}
		if due = found.due; len(due) == 0 {
			break
		}
	}
	if won == 0 {
		err := c.s.correct(ctx, tally{}.minus(counted))
		c.s.holdings.nothing(c.Lease)
		return nil, err
	}
	tasks, err := c.held(ctx, c.ends)
	if err != nil {
		return nil, err
	}
	c.s.holdings.add(c.Lease, tasks, c.For)
	c.s.work.wrote()
	happened := tally{}
	for i := range tasks {
		happened.move(tasks[i].Queue, store.Created, store.Running, 1)
	}
	return tasks, c.s.correct(ctx, happened.minus(counted))
}

// takeOnce sends one compare-and-set: a task that was changed since it was found, be it that it is
// not due any more, is left alone.
func (c *claiming) takeOnce(ctx context.Context, picked []record, counted tally) (won int, err error) {
	ids, along := make([]int64, len(picked)), tally{}
	for i := range picked {
		ids[i] = picked[i].ID
		along.move(picked[i].Queue, store.Created, store.Running, 1)
	}
	result, err := c.s.tasks.BulkWrite(ctx, []mongo.WriteModel{
		mongo.NewUpdateManyModel().
			SetFilter(bson.M{"_id": bson.M{"$in": ids}, "status": store.Created, "due": bson.M{"$lte": c.at.early}}).
			SetUpdate(bson.M{"$set": bson.M{"status": store.Running, "lease": c.Lease[:], "worker": c.Worker}}),
		along.model(),
	}, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return 0, err
	}
	counted.sum(along, 1)
	return int(result.MatchedCount), nil
}

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

// pick returns up to n of the candidates: the first ones, or in a crowd those of a stretch at random.
func (c *crowd) pick(due []record, n int) []record {
	if level := c.of.Load(); level > 0 && len(due) > n {
		stretches := (len(due) + n - 1) / n
		from := rand.N(stretches) * n
		due = due[min(from, len(due)-n):]
	}
	return due[:min(n, len(due))]
}
