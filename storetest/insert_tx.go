package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var insertTxCases = []testCase{
	{
		name: "InsertInTxInvisibleUntilCommit", rule: 14, tx: true, needs: needs(getter), run: insertInTxInvisibleUntilCommit,
		says: "nobody sees a task before the transaction that inserts it has committed; then everybody does",
	},
	{
		name: "InsertInTxCommittedIsDue", rule: 14, tx: true, run: insertInTxCommittedIsDue,
		says: "the tasks of a committed transaction are stored, whole and each once",
	},
	{
		name: "InsertInTxRolledBackGone", rule: 14, tx: true, run: insertInTxRolledBackGone,
		says: "nothing is left of the tasks of a transaction whose function failed, whose error comes back",
	},
	{
		name: "InsertInTxManyAllOrNothing", rule: 14, tx: true, run: insertInTxManyAllOrNothing,
		says: "one refused task rolls the whole transaction back, also if its function ignores the refusal",
	},
	{
		name: "InsertRolledBackIDsNotReused", rule: 14, tx: true, run: insertRolledBackIDsNotReused,
		says: "ids of a transaction that was rolled back are not given again",
	},
}

var errRollback = errors.New("the kit rolls back")

// rolledBack inserts tasks in a transaction that does not commit. It sets their ids if the
// store knows them by then.
func (t *T) rolledBack(tasks []store.NewTask) {
	t.Helper()
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		if _, err := tx.Insert(ctx, tasks); err != nil {
			return err
		}
		return errRollback
	})
	if !errors.Is(err, errRollback) {
		t.Fatalf("a transaction whose function failed with %v returned %v", errRollback, err)
	}
}

// insertInTx inserts tasks in a transaction that commits.
func (t *T) insertInTx(tasks ...store.NewTask) {
	t.Helper()
	t.ok(t.withTx(func(ctx context.Context, tx store.Writer) error {
		_, err := tx.Insert(ctx, tasks)
		return err
	}), "insert in a transaction")
}

// outsideLook is how long a look from outside of an open transaction may wait for it.
var outsideLook = 2 * time.Second

// seen reports whether somebody else sees the task now. A store whose readers wait for writers
// shows nothing within the time of the look. The caller waits for done once the way is free.
func (t *T) seen(id int64) (found bool, done <-chan struct{}) {
	ctx, cancel := context.WithTimeout(t.Context(), outsideLook)
	finished := make(chan struct{})
	look := make(chan bool, 1)
	get := as[store.Getter](t)
	go func() {
		defer close(finished)
		defer cancel()
		tasks, err := get.Get(ctx, []int64{id})
		look <- err == nil && len(tasks) > 0
	}()
	select {
	case found := <-look:
		return found, finished
	case <-ctx.Done():
		return false, finished
	}
}

func insertInTxInvisibleUntilCommit(t *T) {
	tasks := []store.NewTask{newTask()}
	var looked <-chan struct{}
	err := t.withTx(func(ctx context.Context, tx store.Writer) error {
		if _, err := tx.Insert(ctx, tasks); err != nil || tasks[0].ID == 0 {
			return err
		}
		var found bool
		if found, looked = t.seen(tasks[0].ID); found {
			return errors.New("the task was seen before the commit")
		}
		return nil
	})
	t.ok(err, "insert in a transaction")
	if looked != nil {
		<-looked
	}
	claimed := t.claimOne()
	if got := t.task(claimed.ID); got.Status != store.Running {
		t.Fatalf("the committed and claimed task is %s", got.Status)
	}
}

func insertInTxCommittedIsDue(t *T) {
	plain, late := newTask(withAllFields, withDelay(0)), newTask(withDelay(2*time.Minute), withParams("late"))
	t.insertInTx(plain, late)
	got := t.claimOne()
	t.sameInput(got, plain)
	if got.ID <= 0 || got.Created.IsZero() {
		t.Fatalf("a task inserted in a transaction has id %d and was created %s", got.ID, got.Created)
	}
	t.claimNone("the other one is not due yet")
	t.advance(3 * time.Minute)
	t.ok(t.complete(got, nil), "complete")
	t.sameInput(t.claimOne(), late)
}

func insertInTxRolledBackGone(t *T) {
	t.rolledBack([]store.NewTask{newTask(), newTask(withDelay(time.Minute))})
	t.claimNone("the transaction was rolled back")
	t.advance(2 * time.Minute)
	t.claimNone("the transaction was rolled back")
	t.insertOne()
	t.claimOne()
}

func insertInTxManyAllOrNothing(t *T) {
	for _, ignored := range []bool{false, true} {
		err := t.withTx(func(ctx context.Context, tx store.Writer) error {
			for _, batch := range [][]store.NewTask{
				{newTask(), newTask()},
				{newTask(), newTask(withName("")), newTask()},
				{newTask()},
			} {
				if _, err := tx.Insert(ctx, batch); err != nil && !ignored {
					return err
				}
			}
			return nil
		})
		t.refused(err, store.ErrInvalid, "a transaction with an invalid task")
		t.claimNone("one task of the transaction was refused")
	}
	batch := make([]store.NewTask, 100)
	for i := range batch {
		batch[i] = newTask()
	}
	t.insertInTx(batch...)
	if got := len(t.claim(2 * len(batch))); got != len(batch) {
		t.Fatalf("%d tasks of the transaction's %d are due", got, len(batch))
	}
}

func insertRolledBackIDsNotReused(t *T) {
	gone := make([]store.NewTask, 5)
	for i := range gone {
		gone[i] = newTask()
	}
	t.rolledBack(gone)
	ids := t.insert(newTask(), newTask(), newTask(), newTask(), newTask())
	t.insertInTx(newTask(), newTask())
	for _, task := range t.claim(10) {
		ids = append(ids, task.ID)
	}
	for _, n := range gone {
		if n.ID != 0 && slices.Contains(ids, n.ID) {
			t.Fatalf("id %d was given in a transaction that was rolled back, and then again", n.ID)
		}
	}
}
