package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// claimTries bounds how often a claim tries for other tasks in place of those that others took first.
const claimTries = 3

// take claims the picked tasks by compare-and-set, and returns those that it won.
func (c *claiming) take(ctx context.Context, picked []record) ([]store.Task, error) {
	won, counted := 0, tally{}
	for try := 1; len(picked) > 0; try++ {
		n, err := c.takeOnce(ctx, picked, counted)
		c.s.candidates.drop(picked)
		lost := n < len(picked)
		if err != nil {
			return nil, err
		}
		c.s.candidates.crowd.saw(len(picked), n, len(picked) >= c.Limit-won)
		won += n
		if picked = nil; lost && won < c.fair() && try < claimTries {
			if picked, err = c.others(ctx, c.Limit-won); err != nil {
				return nil, err
			}
		}
	}
	if won == 0 {
		c.s.holdings.nothing(c.Lease)
		return nil, c.s.correct(ctx, tally{}.minus(counted))
	}
	tasks, err := c.held(ctx, c.ends)
	if err != nil {
		return nil, err
	}
	c.s.holdings.add(c.Lease, tasks, c.For)
	c.s.work.wrote()
	happened := tally{}
	for i := range tasks {
		happened.move(tasks[i].Queue, store.Created, store.Running)
	}
	return tasks, c.s.correct(ctx, happened.minus(counted))
}

// others picks tasks in place of those that somebody else has taken first, as likely as not together
// with the rest of what was found.
func (c *claiming) others(ctx context.Context, n int) ([]record, error) {
	unlock, err := c.s.candidates.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := c.find(ctx); err != nil {
		return nil, err
	}
	return c.s.candidates.pick(n), nil
}

// takeOnce sends one compare-and-set: a task that was changed since it was found, be it that it is
// not due any more, is left alone.
func (c *claiming) takeOnce(ctx context.Context, picked []record, counted tally) (won int, err error) {
	ids, along := make([]int64, len(picked)), tally{}
	for i := range picked {
		ids[i] = picked[i].ID
		along.move(picked[i].Queue, store.Created, store.Running)
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
