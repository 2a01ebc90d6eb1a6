package mongo

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// mostClaimed is how many tasks a claim takes at most, whatever its limit.
const mostClaimed = 10_000

// ClaimDue implements [store.Store].
func (s *Store) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil || c.Limit <= 0 || len(c.Names) == 0 || len(c.Queues) == 0 {
		return nil, err
	}
	c.Limit = min(c.Limit, mostClaimed)
	s.work.claimed()
	claim := claiming{s: s, Claim: c, began: time.Now()}
	tasks, err := claim.run(alone(ctx))
	if err != nil {
		return nil, s.inDoubt(err)
	}
	return tasks, nil
}

// A claiming is one claim under way.
type claiming struct {
	store.Claim
	s     *Store
	began time.Time // by this machine's clock
	at    instant
	ends  int64 // when the lease does
}

func (c *claiming) run(ctx context.Context) (tasks []store.Task, err error) {
	if c.at, err = c.s.now(ctx); err != nil {
		return nil, err
	}
	c.ends = c.at.late + micros(c.For)
	before, picked, err := c.choose(ctx)
	if err != nil {
		return nil, err
	}
	if before != nil {
		return c.again(ctx, before)
	}
	if len(picked) == 0 {
		return nil, nil
	}
	_, err = c.s.lease.InsertOne(ctx, leaseRecord{ID: c.Lease[:], Ends: c.ends, Worker: c.Worker})
	if err != nil {
		c.s.candidates.drop(picked)
	}
	if mongo.IsDuplicateKeyError(err) { // the call that this one repeats is still under way
		before = new(leaseRecord)
		if err := c.s.lease.FindOne(ctx, bson.M{"_id": c.Lease[:]}).Decode(before); err != nil {
			return nil, err
		}
		return c.again(ctx, before)
	}
	if err != nil {
		return nil, err
	}
	tasks, err = c.take(ctx, picked)
	return tasks, c.s.afterwards(err)
}

// choose takes back what has ended, and picks the tasks to try for; or it finds the call that this one
// repeats. Claims of one process take turns at it, and pick different tasks.
func (c *claiming) choose(ctx context.Context) (before *leaseRecord, picked []record, err error) {
	unlock, err := c.s.candidates.lock(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	found, err := c.look(ctx)
	if err != nil {
		return nil, nil, c.s.reading(err)
	}
	if found.before != nil {
		return found.before, nil, nil
	}
	if len(found.ended) > 0 {
		if err := c.s.takeBackAll(ctx, found.ended, c.at.early); err != nil {
			return nil, nil, err
		}
		c.s.candidates.forget()
		if _, err = c.look(ctx); err != nil {
			return nil, nil, err
		}
	}
	return nil, c.s.candidates.pick(c.Limit), nil
}

// What there is for a claim to do before it claims.
type findings struct {
	before *leaseRecord  // the call that this one repeats
	ended  []leaseRecord // leases to take back
}

// endedMost is how many ended leases a claim takes back.
const endedMost = 8

// look reads, side by side, all that a claim depends on; candidates only if there are none that will do.
func (c *claiming) look(ctx context.Context) (f findings, err error) {
	var before []leaseRecord
	var paused []string
	ended := bson.M{"ends": bson.M{"$lte": c.at.early}}
	if stuck := c.s.stuck.ids(); len(stuck) > 0 {
		ended["_id"] = bson.M{"$nin": stuck}
	}
	reads := []func() error{
		func() (err error) {
			before, err = readAll[leaseRecord](ctx, c.s.lease, bson.M{"_id": c.Lease[:]})
			return err
		},
		func() (err error) {
			f.ended, err = readAll[leaseRecord](ctx, c.s.lease, ended,
				options.Find().SetSort(keys("ends")).SetLimit(endedMost))
			return err
		},
		func() (err error) {
			paused, err = c.s.paused(ctx)
			return err
		},
	}
	if !c.s.candidates.serve(c) {
		reads = append(reads, func() error { return c.find(ctx) })
	}
	if err := sideBySide(reads); err != nil {
		return f, err
	}
	if len(before) > 0 {
		f.before = &before[0]
	}
	c.s.candidates.without(paused)
	return f, nil
}

// mostReads bounds how many connections a claim of many queues uses at once.
const mostReads = 8

func sideBySide(reads []func() error) error {
	errs := make([]error, len(reads))
	turn := make(chan struct{}, mostReads)
	var wg sync.WaitGroup
	for i, read := range reads {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			errs[i] = read()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// again returns what the lease holds that this claim repeats.
func (c *claiming) again(ctx context.Context, lease *leaseRecord) ([]store.Task, error) {
	tasks, err := c.held(ctx, lease.Ends)
	if err != nil {
		return nil, err
	}
	c.s.holdings.add(c.Lease, tasks, c.For)
	return tasks, nil
}

// held returns what the lease holds, in order.
func (c *claiming) held(ctx context.Context, ends int64) ([]store.Task, error) {
	found, err := readAll[bson.Raw](ctx, c.s.tasks, bson.M{"lease": c.Lease[:]})
	if err != nil {
		return nil, err
	}
	tasks := make([]store.Task, 0, len(found))
	for _, raw := range found {
		task, err := readTask(raw)
		if err != nil { // the others must not suffer for it; it is taken back, again and again, until somebody mends it
			c.s.logger.ErrorContext(ctx, "firefly: a task cannot be run", "database", c.s.db.Name(), "prefix", c.s.prefix, "error", err)
			continue
		}
		task.LeaseEnd = fromMicros(ends)
		tasks = append(tasks, task)
	}
	store.SortClaimed(tasks, c.Queues)
	return tasks, nil
}
