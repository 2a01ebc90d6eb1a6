package storetest

import (
	"context"
	"errors"
	"strconv"

	"github.com/fireflytasks/go-firefly/store"
)

// inTx inserts a task and completes another in one transaction, which is committed, or rolled back
// by its function. Under a stale lease it must be rolled back.
func (w *walker) inTx(s Step) {
	if w.noTx {
		return
	}
	tasks := []store.NewTask{newTask(withQueue(pick([]string{queueA, queueB}, s.B>>2)), withParams(strconv.FormatUint(uint64(s.A), 10)))}
	p, task, completes := w.pair(s)
	end := errRollback
	if s.B%4 > 0 {
		end = nil
	}
	err := w.withTx(func(ctx context.Context, tx store.Writer) error {
		_, err := tx.Insert(ctx, tasks)
		if err == nil && completes {
			err = tx.Complete(ctx, []store.Completion{{ID: task.ID, Lease: task.Lease}})
		}
		return errors.Join(err, end)
	})
	accepted := !completes || p.task.settles(p.lease)
	switch {
	case accepted && end == nil:
		w.ok(err, "a transaction")
		w.add(tasks[0].ID, tasks[0], w.now)
		w.inserted = append(w.inserted, tasks[0])
		if completes {
			p.task.finish(&w.model, p.lease, store.Completed)
		}
		w.compare([]*modelTask{w.find(tasks[0].ID)})
	case accepted && !errors.Is(err, errRollback):
		w.Fatalf("a transaction whose function failed: error %v", err)
	case !accepted && end == nil:
		w.lostInTx(err)
	case err == nil:
		w.Fatalf("a transaction whose function failed, under a lost lease: no error")
	}
	if completes {
		w.compare([]*modelTask{p.task})
	}
}

// reopen goes on with a store that was opened anew.
func (w *walker) reopen(Step) {
	if w.T.reopen != nil {
		w.store = w.T.reopen(w.TB, w.store)
	}
}
