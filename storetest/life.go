package storetest

import (
	"errors"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

var lifeCases = slices.Concat([]testCase{
	{
		name: "MigrateTwoAtOnce", rule: 19, needs: needs(migrator), run: migrateTwoAtOnce,
		says: "any number of processes may migrate at once",
	},
	{
		name: "MigrateRepeatable", rule: 19, needs: needs(migrator), run: migrateRepeatable,
		says: "a migration that is done changes nothing",
	},
	{
		name: "CloseThenErrClosed", rule: 19, needs: needs(closer), run: closeThenErrClosed,
		says: "after Close every method returns ErrClosed, and Close nil",
	},
	{
		name: "CloseNoLeak", rule: 19, needs: needs(closer), run: closeNoLeak,
		says: "Close leaves no goroutine of the store's",
	},
}, modelCases)

func migrateTwoAtOnce(t *T) {
	id := t.insertOne()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := as[store.Migrator](t).Migrate(t.Context()); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	wg.Wait()
	t.inOrder(t.claim(10), []int64{id}, "it was there before")
}

func migrateRepeatable(t *T) {
	task := t.running()
	waiting := t.insertOne()
	for range 2 {
		t.ok(as[store.Migrator](t).Migrate(t.Context()), "migrate")
	}
	t.inOrder(t.claim(10), []int64{waiting}, "it was there before")
	t.ok(t.complete(task, nil), "complete of a task that ran before")
}

func closeThenErrClosed(t *T) {
	task := t.running()
	for range 2 {
		t.ok(store.Close(t.store), "close")
	}
	_, err := t.store.Insert(t.Context(), []store.NewTask{newTask()})
	t.refused(err, store.ErrClosed, "insert")
	_, err = t.store.ClaimDue(t.Context(), newClaim(1))
	t.refused(err, store.ErrClosed, "claim")
	t.refused(t.complete(task, nil), store.ErrClosed, "complete")
	t.refused(t.fail(task, ""), store.ErrClosed, "fail")
	t.refused(t.reschedule(task, store.Retry, 0, ""), store.ErrClosed, "reschedule")
	if err := t.withTx(nil); !errors.Is(err, store.ErrClosed) && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("WithTx of a closed store: %v", err)
	}
	t.closedCapabilities()
}

// closedCapabilities checks those that the store has.
func (t *T) closedCapabilities() {
	t.Helper()
	all := store.Filter{Statuses: []store.Status{store.Created}}
	try(t, "get", func(c store.Getter) error { _, err := c.Get(t.Context(), []int64{1}); return err })
	try(t, "extend", func(c store.Extender) error {
		_, err := c.Extend(t.Context(), leaseTime, []store.LeaseID{store.NewLeaseID()})
		return err
	})
	try(t, "wait", func(c store.Waiter) error { _, err := c.Wait(t.Context(), []string{queueA}); return err })
	if !t.noTx {
		try(t, "begin", func(c store.Beginner) error { _, err := c.Begin(t.Context()); return err })
	}
	try(t, "complete a parent", func(c store.ParentCompleter) error {
		_, err := c.CompleteParent(t.Context(), store.Completion{ID: 1, Lease: store.NewLeaseID()}, nil)
		return err
	})
	try(t, "list", func(c store.Lister) error { _, err := c.List(t.Context(), all, store.Page{}); return err })
	try(t, "counts", func(c store.Counter) error { _, err := c.Counts(t.Context()); return err })
	try(t, "cancel", func(c store.Canceler) error { _, err := c.Cancel(t.Context(), all, 0); return err })
	try(t, "retry", func(c store.Retrier) error { _, err := c.Retry(t.Context(), all, 0); return err })
	try(t, "set due", func(c store.DueSetter) error { _, err := c.SetDue(t.Context(), all, store.When{}, 0); return err })
	try(t, "delete", func(c store.Deleter) error { _, err := c.Delete(t.Context(), all, 0); return err })
	try(t, "pause", func(c store.Pauser) error { return c.Pause(t.Context(), []string{queueA}) })
	try(t, "resume", func(c store.Pauser) error { return c.Resume(t.Context(), []string{queueA}) })
	try(t, "paused", func(c store.Pauser) error { _, err := c.Paused(t.Context()); return err })
	try(t, "migrate", func(c store.Migrator) error { return c.Migrate(t.Context()) })
	try(t, "migration", func(c store.MigrationReporter) error { _, err := c.Migration(t.Context()); return err })
}

// try calls a method of a closed store, if it has the capability.
func try[C any](t *T, doing string, call func(C) error) {
	t.Helper()
	if c, ok := store.As[C](t.store); ok {
		t.refused(call(c), store.ErrClosed, doing)
	}
}

func closeNoLeak(t *T) {
	waiting := make(chan struct{})
	if w, ok := store.As[store.Waiter](t.store); ok {
		go func() {
			defer close(waiting)
			for err := error(nil); err == nil; {
				_, err = w.Wait(t.Context(), []string{queueA})
			}
		}()
	} else {
		close(waiting)
	}
	t.ok(t.complete(t.running(), nil), "complete")
	t.ok(as[io.Closer](t).Close(), "close")
	<-waiting
	const yields = 2000 // a goroutine that is about to end needs a few
	for i := 0; ; i++ {
		left := goroutinesOf(t.store)
		if left == "" {
			return
		}
		if i == yields {
			t.Fatalf("a goroutine is left after Close:\n%s", left)
		}
		runtime.Gosched()
	}
}

// receiver is how methods of the store's type begin in a stack trace.
func receiver(s store.Store) string {
	t := reflect.TypeOf(store.Base(s))
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		return t.PkgPath() + ".(*" + t.Name() + ")"
	}
	return t.PkgPath() + "." + t.Name() + "."
}

// goroutinesOf returns the stacks of goroutines in methods of the store.
func goroutinesOf(s store.Store) string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	var found []string
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		if strings.Contains(stack, receiver(s)) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
