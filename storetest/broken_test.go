package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// A brokenStore is a memory store with one seeded bug, and the case that has to find it.
type brokenStore struct {
	bug     string
	convict string
	seed    func(b *broken)
}

func (b brokenStore) harness() Harness {
	return memoryHarness(func(s *memory.Store, clock *fakeClock) store.Store {
		wrapped := &broken{Store: s, clock: clock, seen: map[string]int64{}, linger: make(chan struct{})}
		b.seed(wrapped)
		return wrapped
	})
}

// broken lets a bug stand between the callers and a memory store. What is nil is whole.
type broken struct {
	*memory.Store
	clock  *fakeClock
	linger chan struct{}

	mu   sync.Mutex       // held while a bug is at work in a single call
	seen map[string]int64 // for bugs that remember

	insert     func(context.Context, []store.NewTask) ([]store.Inserted, error)
	claim      func(context.Context, store.Claim) ([]store.Task, error)
	complete   func(context.Context, []store.Completion) error
	fail       func(context.Context, []store.Failure) error
	reschedule func(context.Context, []store.Rescheduling) error
	withTx     func(context.Context, func(context.Context, store.Writer) error) error
	begin      func(context.Context) (store.Tx, error)
	extend     func(context.Context, time.Duration, []store.LeaseID) ([]store.Extended, error)
	get        func(context.Context, []int64) ([]store.Task, error)
	list       func(context.Context, store.Filter, store.Page) ([]store.Task, error)
	counts     func(context.Context) ([]store.QueueCounts, error)
	cancel     func(context.Context, store.Filter, int) ([]int64, error)
	retry      func(context.Context, store.Filter, int) ([]int64, error)
	setDue     func(context.Context, store.Filter, store.When, int) ([]int64, error)
	remove     func(context.Context, store.Filter, int) ([]int64, error)
	pause      func(context.Context, []string) error
	resume     func(context.Context, []string) error
	wait       func(context.Context, []string) (store.Hint, error)
	migrate    func(context.Context) error
	migration  func(context.Context) (store.Migration, error)
	closeStore func() error

	completeParent func(context.Context, store.Completion, []store.NewTask) ([]store.Inserted, error)
}

func (b *broken) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	if b.insert != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.insert(ctx, tasks)
	}
	return b.Store.Insert(ctx, tasks)
}

func (b *broken) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	if b.claim != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.claim(ctx, c)
	}
	return b.Store.ClaimDue(ctx, c)
}

func (b *broken) Complete(ctx context.Context, done []store.Completion) error {
	if b.complete != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.complete(ctx, done)
	}
	return b.Store.Complete(ctx, done)
}

func (b *broken) Fail(ctx context.Context, failed []store.Failure) error {
	if b.fail != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.fail(ctx, failed)
	}
	return b.Store.Fail(ctx, failed)
}

func (b *broken) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	if b.reschedule != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.reschedule(ctx, again)
	}
	return b.Store.Reschedule(ctx, again)
}

func (b *broken) WithTx(ctx context.Context, fn func(context.Context, store.Writer) error) error {
	if b.withTx != nil {
		return b.withTx(ctx, fn)
	}
	return b.Store.WithTx(ctx, fn)
}

func (b *broken) CompleteParent(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
	if b.completeParent != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.completeParent(ctx, done, children)
	}
	return b.Store.CompleteParent(ctx, done, children)
}

func (b *broken) Begin(ctx context.Context) (store.Tx, error) {
	if b.begin != nil {
		return b.begin(ctx)
	}
	return b.Store.Begin(ctx)
}

func (b *broken) Extend(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
	if b.extend != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.extend(ctx, d, ids)
	}
	return b.Store.Extend(ctx, d, ids)
}

func (b *broken) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	if b.get != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.get(ctx, ids)
	}
	return b.Store.Get(ctx, ids)
}

func (b *broken) List(ctx context.Context, f store.Filter, p store.Page) ([]store.Task, error) {
	if b.list != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.list(ctx, f, p)
	}
	return b.Store.List(ctx, f, p)
}

func (b *broken) Counts(ctx context.Context) ([]store.QueueCounts, error) {
	if b.counts != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.counts(ctx)
	}
	return b.Store.Counts(ctx)
}

func (b *broken) Cancel(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	if b.cancel != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.cancel(ctx, f, limit)
	}
	return b.Store.Cancel(ctx, f, limit)
}

func (b *broken) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	if b.retry != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.retry(ctx, f, limit)
	}
	return b.Store.Retry(ctx, f, limit)
}

func (b *broken) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if b.setDue != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.setDue(ctx, f, when, limit)
	}
	return b.Store.SetDue(ctx, f, when, limit)
}

func (b *broken) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	if b.remove != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.remove(ctx, f, limit)
	}
	return b.Store.Delete(ctx, f, limit)
}

func (b *broken) Pause(ctx context.Context, queues []string) error {
	if b.pause != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.pause(ctx, queues)
	}
	return b.Store.Pause(ctx, queues)
}

func (b *broken) Resume(ctx context.Context, queues []string) error {
	if b.resume != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.resume(ctx, queues)
	}
	return b.Store.Resume(ctx, queues)
}

func (b *broken) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	if b.wait != nil {
		return b.wait(ctx, queues)
	}
	return b.Store.Wait(ctx, queues)
}

func (b *broken) Migrate(ctx context.Context) error {
	if b.migrate != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.migrate(ctx)
	}
	return b.Store.Migrate(ctx)
}

func (b *broken) Close() error {
	if b.closeStore != nil {
		return b.closeStore()
	}
	return b.Store.Close()
}

// stay is a goroutine that Close forgot.
func (b *broken) stay(started chan<- struct{}) {
	close(started)
	<-b.linger
}

// holder returns the lease that holds a task now.
func (b *broken) holder(ctx context.Context, id int64) store.LeaseID {
	tasks, err := b.Store.Get(ctx, []int64{id})
	if err != nil || len(tasks) == 0 {
		return store.LeaseID{}
	}
	return tasks[0].Lease
}

// A brokenTx lets a bug stand before the writes of a transaction.
type brokenTx struct {
	store.Writer
	complete func(context.Context, []store.Completion) error
	insert   func(context.Context, []store.NewTask) ([]store.Inserted, error)
}

func (t brokenTx) Complete(ctx context.Context, done []store.Completion) error {
	if t.complete != nil {
		return t.complete(ctx, done)
	}
	return t.Writer.Complete(ctx, done)
}

func (t brokenTx) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	if t.insert != nil {
		return t.insert(ctx, tasks)
	}
	return t.Writer.Insert(ctx, tasks)
}

// An endlessTx can be used after its end.
type endlessTx struct{ store.Tx }

func (t endlessTx) Commit(ctx context.Context) error {
	_ = t.Tx.Commit(ctx)
	return nil
}
