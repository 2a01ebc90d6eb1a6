package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Writer changes tasks in batches.
//
// Each item of a batch is applied or refused on its own. Refused items are named in a
// [*BatchError]; all others were applied. A whole-batch error for which [IsDefinite] is true
// changed nothing. Any other error leaves the batch in doubt: it may have been applied or not,
// and the same call may be repeated as it is (rules 3 and 4).
//
// An empty batch is nothing to do. The ids of one batch are distinct; of a repeated one only
// this is promised, that it is applied at most once. A Writer keeps no slice that it is given.
type Writer interface {
	// Insert stores new tasks and returns, by position, what became of each.
	//
	// It sets tasks[i].ID, and where a reply can be lost it does so before it writes. A task
	// that comes with an ID is therefore a repeat: it is stored only if no task with that ID,
	// live or finished, exists. IDs are positive and never given twice.
	Insert(ctx context.Context, tasks []NewTask) ([]Inserted, error)

	// Complete ends running tasks as completed. An item whose lease no longer holds its task
	// is refused with [ErrLeaseLost], unless that same lease has completed it before.
	Complete(ctx context.Context, done []Completion) error

	// Fail ends running tasks as failed or cancelled. An item whose lease no longer holds its
	// task is refused with [ErrLeaseLost], unless that same lease has failed it before.
	Fail(ctx context.Context, failed []Failure) error

	// Reschedule gives running tasks back, due now or later. An item whose lease no longer
	// holds its task is refused with [ErrLeaseLost]; so may be a repeat of an item that was
	// applied before.
	Reschedule(ctx context.Context, again []Rescheduling) error
}

// Store keeps tasks. These six methods are all that the engine needs to schedule, delay, run,
// retry and recover tasks. Whatever else a store can do it offers as capabilities: see [As].
//
// All methods may be called concurrently, by any number of processes on the same data.
type Store interface {
	Writer

	// ClaimDue leases up to c.Limit due tasks to c.Lease and returns them in the order of
	// rule 8. Before it claims, it takes back the tasks of at least one lease that has ended,
	// if there is one (rule 7).
	//
	// A claim repeated under the same lease id returns the tasks that the lease still holds,
	// and claims no others: so the reply to a claim may be lost. It does not prolong the lease.
	ClaimDue(ctx context.Context, c Claim) ([]Task, error)

	// WithTx runs fn in a transaction: all of fn's writes happen, or none. They happen when fn
	// returns nil and WithTx returns nil. Its ctx and tx are fn's alone and end with it.
	//
	// Within fn a method of tx may defer its verdict, and an Insert may leave IDs and times
	// unknown, until the commit. If any item is refused, WithTx changes nothing and returns
	// the *BatchError or [ErrConflict], unless fn returned an error of its own. More than
	// [MaxTx] writes are refused with [ErrTxTooLarge]. A panic in fn rolls back and goes on.
	//
	// A store that cannot keep this promise returns an [*UnsupportedError] and does not call fn.
	WithTx(ctx context.Context, fn func(ctx context.Context, tx Writer) error) error
}

// A Claim says what to lease, to whom, and for how long.
type Claim struct {
	Queues []string      // in the order to serve them within one priority
	Names  []string      // only tasks of these names
	Limit  int           // at most so many tasks; none if zero or less
	Lease  LeaseID       // new for each claim that is not a repeat; never zero
	For    time.Duration // until the lease ends, from now on the store's clock; positive
	Worker string        // who claims, for people to read
}

// SortClaimed puts tasks into the order in which a claim returns them (rule 8): by priority, then
// by queue in the order given, then by due time and id.
func SortClaimed(tasks []Task, queues []string) {
	slices.SortFunc(tasks, func(a, b Task) int {
		return cmp.Or(
			cmp.Compare(b.Priority, a.Priority),
			cmp.Compare(slices.Index(queues, a.Queue), slices.Index(queues, b.Queue)),
			a.Due.Compare(b.Due),
			cmp.Compare(a.ID, b.ID))
	})
}

// A Completion ends a running task well.
type Completion struct {
	ID       int64
	Lease    LeaseID
	Returned []byte // the encoded result; the store copies it
}

// Clone returns a deep copy.
func (c Completion) Clone() Completion {
	c.Returned = slices.Clone(c.Returned)
	return c
}

// A Failure ends a running task for good: as failed, or as cancelled if Cancelled is set or a
// cancellation had been asked for.
type Failure struct {
	ID        int64
	Lease     LeaseID
	Cancelled bool
	Err       *AttemptError // appended to the task's history; may be nil
}

// Clone returns a deep copy.
func (f Failure) Clone() Failure {
	f.Err = f.Err.clone()
	return f
}

// A Rescheduling gives a running task back. A task whose cancellation has been asked for ends
// as cancelled instead, whatever the kind.
type Rescheduling struct {
	ID    int64
	Lease LeaseID
	Kind  Kind
	After time.Duration // from now on the store's clock; not negative; ignored by Release
	Err   *AttemptError // appended to the task's history; may be nil
}

// Clone returns a deep copy.
func (r Rescheduling) Clone() Rescheduling {
	r.Err = r.Err.clone()
	return r
}

// A Kind of rescheduling says what giving a task back counts as.
type Kind uint8

const (
	// Retry makes the task due After from now, and counts one retry more.
	Retry Kind = iota
	// Snooze makes the task due After from now, and counts nothing.
	Snooze
	// Release gives the task back as if it had never been claimed: its due time, counters and
	// history stay.
	Release
)

func (k Kind) String() string {
	switch k {
	case Retry:
		return "retry"
	case Snooze:
		return "snooze"
	case Release:
		return "release"
	default:
		return "invalid"
	}
}

// MaxTx is the largest number of writes in one transaction.
const MaxTx = 1000
