package firefly

import (
	"context"
	"errors"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// insert stores tasks, or stages them in the attempt that ctx belongs to, and records in
// entries what became of them.
func (c *Client) insert(ctx context.Context, entries []*entry, tasks []store.NewTask) ([]store.Inserted, error) {
	if c.writer != nil {
		done, err := c.writer.Insert(ctx, tasks)
		record(entries, tasks, done, err)
		return done, err
	}
	if a := attemptOf(ctx); a != nil && sameStore(a.run.worker.store, c.store) {
		return a.stage(entries, tasks)
	}
	done, err := c.inserter.do(ctx, entries, tasks)
	if !store.IsDefinite(err) {
		err = &UnknownOutcomeError{IDs: idsOf(entries), Err: err}
	}
	return done, err
}

// insertTries bounds how often an insert in doubt is repeated.
const insertTries = 4

// insertUntilKnown repeats an insert that is in doubt: the tasks have their ids by then, so
// each is stored once at most. That a repeat was refused says nothing of the tries before.
func (c *Client) insertUntilKnown(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	pause := newPause(20*time.Millisecond, time.Second)
	doubt := false
	for try := 1; ; try++ {
		done, err := c.store.Insert(ctx, tasks)
		var refused *store.BatchError
		if err == nil || errors.As(err, &refused) || !doubt && store.IsDefinite(err) {
			return done, err
		}
		doubt = true
		if try == insertTries {
			return done, doubtful{err}
		}
		c.config.Logger.WarnContext(ctx, "firefly: insert in doubt, asking again", "tasks", len(tasks), "error", err)
		if pause.wait(ctx) != nil {
			return done, doubtful{err}
		}
	}
}

// A doubtful error is of a call that repeats another whose outcome is unknown, and so is this one's.
type doubtful struct{ error }

func (e doubtful) Unwrap() error  { return e.error }
func (e doubtful) Definite() bool { return false }

func idsOf(entries []*entry) []int64 {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.newTask().ID
	}
	return ids
}
