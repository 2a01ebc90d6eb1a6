package store

import (
	"context"
	"io"
	"time"
)

// As returns s as the capability T: s itself, or the first store that offers T behind a chain
// of Unwrap() Store methods. A wrapper that changes what a capability means offers that
// capability itself, or no Unwrap at all.
func As[T any](s Store) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		u, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = u.Unwrap()
	}
	var none T
	return none, false
}

// Base returns the store at the end of s's chain of Unwrap methods. Two stores with the same
// base write to the same data.
func Base(s Store) Store {
	for {
		u, ok := s.(interface{ Unwrap() Store })
		if !ok {
			return s
		}
		s = u.Unwrap()
	}
}

// Close closes s if it can be closed, and waits for what it has running. Afterwards every
// method of the store returns [ErrClosed].
func Close(s Store) error {
	if c, ok := As[io.Closer](s); ok {
		return c.Close()
	}
	return nil
}

// Full is a store with every capability but [ParentCompleter], which stands in for transactions:
// what storetest.RunFull demands.
type Full interface {
	Store
	Extender
	Getter
	Waiter
	Beginner
	Lister
	Counter
	Canceler
	Retrier
	DueSetter
	Deleter
	Pauser
	Migrator
	MigrationReporter
	io.Closer
}

// Extender prolongs leases. Without it, the engine cancels a handler at the end of its lease.
type Extender interface {
	// Extend lets each of the leases end no sooner than d from now on the store's clock, and
	// returns by position what became of each. It never shortens a lease. It may be repeated.
	Extend(ctx context.Context, d time.Duration, leases []LeaseID) ([]Extended, error)
}

// An Extended says how a lease stands after [Extender].Extend.
type Extended struct {
	Lost      bool    // the lease holds no task any more: taken back, or all settled
	Cancelled []int64 // tasks that it holds and whose cancellation has been asked for
}

// ConcurrentInserter is a store on a server, for which the next insert is best sent while the one before
// is answered. Without it, an insert that concurrent calls share waits for the one before.
type ConcurrentInserter interface {
	// ConcurrentInserts returns how many inserts of a few tasks are best under way at once, of one
	// client; less than one is one. It never changes.
	ConcurrentInserts() int
}

// Getter reads tasks. Without it, nobody can wait for a result.
type Getter interface {
	// Get returns the tasks with these ids, live and finished, in the order of ids. Missing
	// ones are left out.
	Get(ctx context.Context, ids []int64) ([]Task, error)
}

// Waiter tells workers that there may be work. Without it, the engine polls.
type Waiter interface {
	// Wait blocks until a task may be due in one of the queues, a task running from one of
	// them is to be cancelled, or ctx ends, which is its error. It is a hint: it may come for
	// nothing, stand for many, or be lost.
	Wait(ctx context.Context, queues []string) (Hint, error)
}

// A Hint is what a [Waiter] heard. Whatever it holds, a claim is worth a try.
type Hint struct {
	Cancelled []int64 // running tasks whose cancellation was asked for
}

// Beginner opens transactions that outlast a function call: a handler's transaction needs it
// to reach the database. [Begin] has a fallback. A store without transactions may have a Begin
// that returns an [*UnsupportedError]: then a handler hears of it at once, not at the commit.
type Beginner interface {
	// Begin opens a transaction. It is rolled back when ctx ends before it is committed.
	Begin(ctx context.Context) (Tx, error)
}

// A Tx is an open transaction. Its methods follow the rules of [Store].WithTx; they are called
// one at a time. After Commit or Rollback they return [ErrTxDone].
type Tx interface {
	Writer
	// Commit makes all writes happen, or none: then the error is a [*BatchError] or another
	// definite one. An error that is not definite leaves it unknown.
	Commit(ctx context.Context) error
	// Rollback undoes all writes. After Commit it does nothing and returns nil.
	Rollback(ctx context.Context) error
}

// ParentCompleter completes a task together with the insertion of its children, for stores that
// can do that without transactions: the children are first kept in the parent's own record, which
// one atomic write completes. Where WithTx is unsupported, a handler that schedules tasks needs it.
//
// Less does not do. Children that are inserted before the completion are there although their
// parent fails. Those that are inserted after it are lost if the process dies between. And a
// unique key made from the parent does not find a child that has finished before its parent is
// run again, as the key is free by then.
type ParentCompleter interface {
	// CompleteParent ends a running task as completed and inserts the tasks that its handler
	// scheduled: both, or neither (rule 20). It returns, by position, what became of each child,
	// and sets children[i].ID as Insert does: before it writes, where a reply can be lost.
	//
	// If the lease does not hold the task any more, the error is a [*BatchError] of the Op
	// "complete" with [ErrLeaseLost]. Invalid children are named in one of the Op "insert". More
	// than [MaxTx] writes, of which the completion is one, or more bytes than the parent's record
	// takes, are refused with [ErrTxTooLarge]. In all these cases nothing was changed.
	//
	// The completion decides: once it is made, the children will be there, even if the process
	// dies at once; when the call returns nil, they are. Others may see the completion first.
	//
	// In doubt the call may be repeated as it is, with the ids that it set. A repeat under the
	// lease that completed the task returns nil and inserts no child twice.
	//
	// Unique keys are judged when a child is inserted, after the completion has freed its
	// parent's. If another task holds the key then, the child is [Existing] or [Replaced].
	CompleteParent(ctx context.Context, done Completion, children []NewTask) ([]Inserted, error)
}

// A ConflictTx is a [Tx] that a handler uses through its own driver, and so gets that driver's errors
// from: it knows those by which a transaction ran into another one. The engine runs a handler that
// returns such an error again, as if it were [ErrConflict].
type ConflictTx interface {
	Tx
	// Conflicted reports whether err says that this transaction has run into another one.
	Conflicted(err error) bool
}

// Lister finds tasks.
type Lister interface {
	// List returns the tasks that match f, in the order of their ids, one page of them.
	List(ctx context.Context, f Filter, p Page) ([]Task, error)
}

// A Filter selects tasks: those that meet all the conditions that are set. The zero Filter
// selects every task.
type Filter struct {
	IDs       []int64
	Statuses  []Status
	Queues    []string
	Names     []string
	ErrorText string        // part of the last error's text; case matters
	OlderThan time.Duration // since it finished, or was created if it is live; on the store's clock
}

// IsZero reports whether no condition is set.
func (f *Filter) IsZero() bool {
	return f.IDs == nil && f.Statuses == nil && f.Queues == nil && f.Names == nil &&
		f.ErrorText == "" && f.OlderThan == 0
}

// A Page is a part of a list.
type Page struct {
	After  int64 // only ids beyond it, in the order asked for; zero is from the start
	Limit  int   // at most so many tasks; zero is 100
	Newest bool  // highest ids first; otherwise lowest first
}

// Counter counts tasks.
type Counter interface {
	// Counts returns, in the order of their names, the queues that hold a task or are paused.
	// Stores maintain these numbers: their cost does not grow with the number of tasks.
	Counts(ctx context.Context) ([]QueueCounts, error)
}

// QueueCounts is how many tasks of each status a queue holds.
type QueueCounts struct {
	Queue     string `json:"queue"`
	Paused    bool   `json:"paused"`
	Created   int64  `json:"created"`
	Running   int64  `json:"running"`
	Completed int64  `json:"completed"`
	Failed    int64  `json:"failed"`
	Cancelled int64  `json:"cancelled"`
}

// The capabilities below change up to limit of the tasks that match a filter (all, if limit is
// zero), lowest ids first, and return the ids of those that they changed. A zero Filter is
// refused with [ErrInvalid]: to mean every task, name every status.

// Canceler cancels tasks.
type Canceler interface {
	// Cancel ends waiting tasks as cancelled at once, and asks running ones to end: their
	// CancelRequested is set, for the worker to see when it next extends its lease. Finished
	// tasks stay as they are.
	Cancel(ctx context.Context, f Filter, limit int) ([]int64, error)
}

// Retrier revives tasks.
type Retrier interface {
	// Retry makes failed and cancelled tasks due now, as if new: retries, crashes and a
	// requested cancellation are reset, the error history stays. A task whose unique key
	// another live task holds is refused with [ErrDuplicate]. Other tasks stay as they are.
	Retry(ctx context.Context, f Filter, limit int) ([]int64, error)
}

// DueSetter gives waiting tasks another time.
type DueSetter interface {
	// SetDue makes waiting tasks due at when, sooner or later than they were: those that wait for
	// a retry, and those of paused queues, too. A When that breaks its bounds is refused with
	// [ErrInvalid]. Nothing else of a task changes. Running and finished tasks stay as they are;
	// so does a task that is claimed in between.
	//
	// A task still matches f afterwards, so a call with a limit that is made again changes the
	// same tasks again: to go through many in parts, name their ids.
	SetDue(ctx context.Context, f Filter, when When, limit int) ([]int64, error)
}

// Deleter removes tasks.
type Deleter interface {
	// Delete removes tasks that are not running. A running task is passed over, or if
	// f.IDs names it, refused with [ErrRunning].
	Delete(ctx context.Context, f Filter, limit int) ([]int64, error)
}

// Pauser stops queues. It is durable, and holds for all workers.
type Pauser interface {
	// Pause lets no task of the queues be claimed. Running tasks go on.
	Pause(ctx context.Context, queues []string) error
	// Resume undoes Pause.
	Resume(ctx context.Context, queues []string) error
	// Paused returns the paused queues, in the order of their names.
	Paused(ctx context.Context) ([]string, error)
}

// Migrator prepares the database.
type Migrator interface {
	// Migrate creates or updates what the store needs in its database. It may be called at
	// any time, by many at once, and does nothing if nothing is to be done.
	Migrate(ctx context.Context) error
}
