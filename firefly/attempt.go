package firefly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// Info is what a handler, and a hook, may know of the run that it is in.
type Info struct {
	Task    store.Task // as it was claimed; shared, so not to be changed
	Attempt int        // which run it is, from 1
	Worker  string
	logger  *slog.Logger
}

// Logger returns the worker's logger with the task's id, name and attempt.
func (i Info) Logger() *slog.Logger {
	return i.logger.With("task", i.Task.ID, "name", i.Task.Name, "attempt", i.Attempt)
}

// Attempt returns what the handler that ctx was given to runs. Elsewhere it returns false.
func Attempt(ctx context.Context) (Info, bool) {
	a := attemptOf(ctx)
	if a == nil {
		return Info{}, false
	}
	return a.run.info(), true
}

// An attempt is one call of a handler, and its context: a run has several, if its transaction
// runs into another one.
type attempt struct {
	context.Context // the run's, with the store's attempt
	run             *run
	store           store.Attempt // owns the handler's transaction

	mu     sync.Mutex
	ended  bool
	staged []store.NewTask
	fates  []*entry // by position in staged
}

type attemptKey struct{}

// Value implements [context.Context].
func (a *attempt) Value(key any) any {
	if key == (attemptKey{}) {
		return a
	}
	return a.Context.Value(key)
}

func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// newAttempt returns the run's next attempt. The first is a part of the run.
func newAttempt(r *run) *attempt {
	a := &r.first
	if a.run != nil {
		a = new(attempt)
	}
	a.store.Init(r.ctx, r.worker.store, r.lease.id, r.worker.config.Lease)
	a.Context, a.run = a.store.Context(), r
	return a
}

// stage keeps tasks until the attempt completes. Those that are staged already stay as they are.
func (a *attempt) stage(entries []*entry, tasks []store.NewTask) ([]store.Inserted, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return nil, store.ErrNoAttempt
	}
	if len(a.staged)+len(tasks) >= store.MaxTx {
		return nil, store.ErrTxTooLarge // the completion is one write of it
	}
	for i, e := range entries {
		if e.stage(a, tasks[i]) {
			a.staged = append(a.staged, tasks[i])
			a.fates = append(a.fates, e)
		}
	}
	return make([]store.Inserted, len(tasks)), nil
}

// end ends the handler's access and returns what it left to be committed: its transaction, nil
// if it never asked for one, and the tasks that it staged.
func (a *attempt) end() (store.Tx, []store.NewTask, []*entry) {
	tx := a.store.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	return tx, a.staged, a.fates
}

// conflicted marks the error of a handler whose transaction has run into another one, if it says so
// in the words of the store's driver.
func (a *attempt) conflicted(err error) error {
	tx, _, _ := a.end()
	if c, ok := tx.(store.ConflictTx); ok && !errors.Is(err, store.ErrConflict) && c.Conflicted(err) {
		return fmt.Errorf("%w: %w", store.ErrConflict, err)
	}
	return err
}

// sameStore reports whether two stores write to the same data.
func sameStore(a, b store.Store) bool {
	a, b = store.Base(a), store.Base(b)
	return reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}
