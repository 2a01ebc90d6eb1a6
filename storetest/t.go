package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

const (
	queueA, queueB = "kit.a", "kit.b"
	nameA, nameB   = "kit.add", "kit.mail"
	leaseTime      = time.Minute // of claims made through the helpers of T
)

// T is what a case works with: the test, a store of its own, and the steps that most cases
// share. A step that goes wrong ends the case.
type T struct {
	testing.TB
	store   store.Store
	advance func(time.Duration)
	noTx    bool
	reopen  func(tb testing.TB, s store.Store) store.Store // may be nil
}

// newTask returns a task of nameA for queueA, changed by each of edit.
func newTask(edit ...func(*store.NewTask)) store.NewTask {
	n := store.NewTask{
		Name: nameA, Queue: queueA, Encoding: "json", Params: []byte(`1`),
		MaxRetries: 3, RetryDelay: 2 * time.Minute,
	}
	for _, e := range edit {
		e(&n)
	}
	return n
}

// insert stores the tasks, of which all must be Stored, and returns their ids.
func (t *T) insert(tasks ...store.NewTask) []int64 {
	t.Helper()
	ids := make([]int64, len(tasks))
	for i, in := range t.insertAny(tasks...) {
		if in.Outcome != store.Stored {
			t.Fatalf("insert of task %d: outcome %d, want Stored", i, in.Outcome)
		}
		ids[i] = in.ID
	}
	return ids
}

// insertAny stores the tasks, whatever the outcome of each.
func (t *T) insertAny(tasks ...store.NewTask) []store.Inserted {
	t.Helper()
	out, err := t.store.Insert(t.Context(), tasks)
	if err != nil {
		t.Fatalf("insert: %v", err)
	}
	if len(out) != len(tasks) {
		t.Fatalf("insert of %d tasks returned %d results", len(tasks), len(out))
	}
	return out
}

// insertOne stores a task of newTask and returns its id.
func (t *T) insertOne(edit ...func(*store.NewTask)) int64 {
	t.Helper()
	return t.insert(newTask(edit...))[0]
}

// newClaim returns a claim of up to limit tasks of the kit's names in the kit's queues.
func newClaim(limit int) store.Claim {
	return store.Claim{
		Queues: []string{queueA, queueB}, Names: []string{nameA, nameB},
		Limit: limit, Lease: store.NewLeaseID(), For: leaseTime, Worker: "kit",
	}
}

// claim leases up to limit tasks under a new lease.
func (t *T) claim(limit int) []store.Task {
	t.Helper()
	return t.claimAs(newClaim(limit))
}

func (t *T) claimAs(c store.Claim) []store.Task {
	t.Helper()
	tasks, err := t.store.ClaimDue(t.Context(), c)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	return tasks
}

// claimOne leases exactly one task.
func (t *T) claimOne() store.Task {
	t.Helper()
	tasks := t.claim(1)
	if len(tasks) != 1 {
		t.Fatalf("claimed %d tasks, want 1", len(tasks))
	}
	return tasks[0]
}

// claimNone fails if any task is due.
func (t *T) claimNone(why string) {
	t.Helper()
	if tasks := t.claim(10); len(tasks) != 0 {
		t.Fatalf("claimed %d tasks, want none: %s", len(tasks), why)
	}
}

// running inserts a task and claims it.
func (t *T) running(edit ...func(*store.NewTask)) store.Task {
	t.Helper()
	id := t.insertOne(edit...)
	task := t.claimOne()
	if task.ID != id {
		t.Fatalf("claimed task %d, want %d", task.ID, id)
	}
	return task
}

// outliveLease moves the clock past the end of every lease made through the helpers.
func (t *T) outliveLease() { t.advance(leaseTime + time.Second) }

func (t *T) complete(task store.Task, returned []byte) error {
	return t.store.Complete(t.Context(),
		[]store.Completion{{ID: task.ID, Lease: task.Lease, Returned: returned}})
}

func (t *T) fail(task store.Task, text string) error {
	return t.store.Fail(t.Context(),
		[]store.Failure{{ID: task.ID, Lease: task.Lease, Err: attemptError(task, text)}})
}

func (t *T) reschedule(task store.Task, kind store.Kind, after time.Duration, text string) error {
	return t.store.Reschedule(t.Context(), []store.Rescheduling{{
		ID: task.ID, Lease: task.Lease, Kind: kind, After: after, Err: attemptError(task, text),
	}})
}

func attemptError(task store.Task, text string) *store.AttemptError {
	if text == "" {
		return nil
	}
	return &store.AttemptError{Attempt: task.Attempt(), Text: text}
}

// ok ends the case if err is not nil.
func (t *T) ok(err error, doing string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// refused ends the case unless err is a definite error that matches want.
func (t *T) refused(err, want error, doing string) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatalf("%s: no error, want %v", doing, want)
	case !errors.Is(err, want):
		t.Fatalf("%s: error %v, want %v", doing, err, want)
	case !store.IsDefinite(err):
		t.Fatalf("%s: error %v is not definite", doing, err)
	}
}

// task reads a task that must be there. The case needs getter.
func (t *T) task(id int64) store.Task {
	t.Helper()
	tasks := t.tasks(id)
	if len(tasks) != 1 {
		t.Fatalf("get of task %d returned %d tasks", id, len(tasks))
	}
	return tasks[0]
}

// tasks reads those of the tasks that are there. The case needs getter.
func (t *T) tasks(ids ...int64) []store.Task {
	t.Helper()
	tasks, err := as[store.Getter](t).Get(t.Context(), ids)
	t.ok(err, "get")
	return tasks
}

// as returns the store as a capability that the case needs.
func as[C any](t *T) C {
	c, ok := store.As[C](t.store)
	if !ok {
		t.Helper()
		t.Fatalf("the case uses a capability that it does not declare: %T", *new(C))
	}
	return c
}

// withTx runs fn in a transaction.
func (t *T) withTx(fn func(ctx context.Context, tx store.Writer) error) error {
	return t.store.WithTx(t.Context(), fn)
}
