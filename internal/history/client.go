package history

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A client makes one call after the other.
type client struct {
	*recorder

	name   int
	store  store.Full
	random *rand.Rand
	again  *store.Claim // that is in doubt
}

const (
	long  = time.Minute
	short = time.Nanosecond // ends before anybody can know
	limit = 10 * time.Second
)

// call makes a random call about a random task.
func (c *client) call(ctx context.Context) {
	ctx, end := context.WithTimeout(ctx, limit)
	defer end()
	id, lease := c.pick()
	switch n := c.random.IntN(20); {
	case id == 0 || n == 0:
		c.insert(ctx, 0)
	case n == 1:
		c.insert(ctx, id)
	case n < 7 || lease.IsZero() && n < 14:
		c.claim(ctx)
	case n < 9:
		c.settle(ctx, complete, id, lease)
	case n < 10:
		c.settle(ctx, completeTx, id, lease)
	case n < 11:
		c.settle(ctx, fail, id, lease)
	case n < 12:
		c.settle(ctx, retry, id, lease)
	case n < 14:
		c.settle(ctx, release, id, lease)
	case n < 15:
		c.change(ctx, cancel, id, c.store.Cancel)
	case n < 16:
		c.change(ctx, revive, id, c.store.Retry)
	case n < 17:
		c.change(ctx, remove, id, c.store.Delete)
	case n < 18:
		c.setDue(ctx, id)
	default:
		_ = c.get(ctx, id)
	}
}

// pick returns a task, and a lease that holds it, or has held it. There may be none.
func (c *client) pick() (id int64, lease store.LeaseID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ids) == 0 {
		return 0, lease
	}
	id = c.ids[c.random.IntN(len(c.ids))]
	if held := c.seen[id]; len(held) > 0 {
		lease = held[len(held)-1]
		if c.random.IntN(4) == 0 {
			lease = held[c.random.IntN(len(held))]
		}
	}
	return id, lease
}

func (c *client) now() time.Duration { return time.Since(c.start) }

// answered makes an output of an error. An error that is definite and refuses nothing by name is no
// answer, but says that nothing was changed: then ok is false.
func answered(err error) (out output, ok bool) {
	var batch *store.BatchError
	switch {
	case err == nil:
		return output{did: true}, true
	case errors.As(err, &batch):
		return output{}, true
	case store.IsDefinite(err):
		return output{}, false
	}
	return output{doubt: true}, true
}

// insert inserts a new task, or repeats the insertion of one.
func (c *client) insert(ctx context.Context, id int64) {
	tasks := []store.NewTask{{ID: id, Name: "n", Queue: c.queue, Encoding: "json"}}
	began := c.now()
	_, err := c.store.Insert(ctx, tasks)
	out, ok := answered(err)
	if !ok || tasks[0].ID == 0 { // without an id, nothing was sent
		return
	}
	c.note(c.name, tasks[0].ID, input{action: insert}, began, out)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.ids, tasks[0].ID) {
		c.ids = append(c.ids, tasks[0].ID)
	}
}

// claim claims some tasks, or repeats a claim that is in doubt.
func (c *client) claim(ctx context.Context) {
	how := store.Claim{
		Queues: []string{c.queue}, Names: []string{"n"}, Limit: 1 + c.random.IntN(3), Lease: store.NewLeaseID(), For: long, Worker: "w",
	}
	if c.ending && c.random.IntN(4) == 0 {
		how.For = short
	}
	if c.again != nil {
		how, c.again = *c.again, nil
	}
	began := c.now()
	tasks, err := c.store.ClaimDue(ctx, how)
	out, ok := answered(err)
	if !ok {
		return
	}
	if out.doubt {
		c.again = &how
	}
	c.noteClaim(c.name, how, began, output{doubt: out.doubt}, tasks)
}

// settle ends the run of a task, or means to: the lease may be lost.
func (c *client) settle(ctx context.Context, how action, id int64, lease store.LeaseID) {
	completions := []store.Completion{{ID: id, Lease: lease}}
	began := c.now()
	var err error
	switch how {
	case complete:
		err = c.store.Complete(ctx, completions)
	case completeTx:
		err = c.store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error { return tx.Complete(ctx, completions) })
	case fail:
		err = c.store.Fail(ctx, []store.Failure{{ID: id, Lease: lease}})
	case retry:
		err = c.store.Reschedule(ctx, []store.Rescheduling{{ID: id, Lease: lease, Kind: store.Retry}})
	default:
		err = c.store.Reschedule(ctx, []store.Rescheduling{{ID: id, Lease: lease, Kind: store.Release}})
	}
	if out, ok := answered(err); ok {
		c.note(c.name, id, input{action: how, lease: c.known(lease)}, began, out)
	}
}

type changeFunc func(ctx context.Context, f store.Filter, limit int) ([]int64, error)

// change changes a task as an administrator does.
func (c *client) change(ctx context.Context, how action, id int64, do changeFunc) {
	began := c.now()
	changed, err := do(ctx, store.Filter{IDs: []int64{id}}, 0)
	if out, ok := answered(err); ok {
		out.did = len(changed) == 1
		c.note(c.name, id, input{action: how}, began, out)
	}
}

// setDue has a task wait until all is over, or no longer.
func (c *client) setDue(ctx context.Context, id int64) {
	how, when := hurry, store.When{}
	if c.random.IntN(2) == 0 {
		how, when = postpone, store.When{Delay: time.Hour}
	}
	c.change(ctx, how, id, func(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
		return c.store.SetDue(ctx, f, when, limit)
	})
}

// get reads a task.
func (c *client) get(ctx context.Context, id int64) error {
	began := c.now()
	tasks, err := c.store.Get(ctx, []int64{id})
	if err != nil {
		return err
	}
	out := output{did: true}
	if len(tasks) == 1 {
		out.state = c.view(&tasks[0])
	}
	c.note(c.name, id, input{action: get}, began, out)
	return nil
}
