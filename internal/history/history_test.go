package history_test

import (
	"context"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/history"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// wrong is a store that breaks a rule now and then.
type wrong struct {
	store.Full

	claim    func(ctx context.Context, c store.Claim) ([]store.Task, error)
	complete func(ctx context.Context, done []store.Completion) error
	get      func(ctx context.Context, ids []int64) ([]store.Task, error)
	setDue   func(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error)
}

func (w *wrong) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	if w.claim != nil {
		return w.claim(ctx, c)
	}
	return w.Full.ClaimDue(ctx, c)
}

func (w *wrong) Complete(ctx context.Context, done []store.Completion) error {
	if w.complete != nil {
		return w.complete(ctx, done)
	}
	return w.Full.Complete(ctx, done)
}

func (w *wrong) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	if w.get != nil {
		return w.get(ctx, ids)
	}
	return w.Full.Get(ctx, ids)
}

func (w *wrong) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if w.setDue != nil {
		return w.setDue(ctx, f, when, limit)
	}
	return w.Full.SetDue(ctx, f, when, limit)
}

func TestConvictsWrongStores(t *testing.T) {
	for name, breaks := range map[string]func(w *wrong){
		"a lease that was lost completes": func(w *wrong) {
			w.complete = func(ctx context.Context, done []store.Completion) error { _ = w.Full.Complete(ctx, done); return nil }
		},
		"a completion is forgotten": func(w *wrong) {
			w.complete = func(context.Context, []store.Completion) error { return nil }
		},
		"a task is claimed by two": func(w *wrong) {
			w.claim = func(ctx context.Context, c store.Claim) ([]store.Task, error) {
				tasks, err := w.Full.ClaimDue(ctx, c)
				if held, _ := w.List(ctx, store.Filter{Statuses: []store.Status{store.Running}, Queues: c.Queues}, store.Page{}); len(tasks) == 0 {
					tasks = held
					for i := range tasks {
						tasks[i].Lease = c.Lease
					}
				}
				return tasks, err
			}
		},
		"reads are stale": func(w *wrong) {
			w.get = func(ctx context.Context, ids []int64) ([]store.Task, error) {
				tasks, err := w.Full.Get(ctx, ids)
				for i := range tasks {
					tasks[i].Retries = 0
					if tasks[i].Status == store.Completed {
						tasks[i].Status = store.Created
					}
				}
				return tasks, err
			}
		},
		"a task that is put off is due all the same": func(w *wrong) {
			w.setDue = func(ctx context.Context, f store.Filter, _ store.When, limit int) ([]int64, error) {
				return w.Full.SetDue(ctx, f, store.When{}, limit)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := memory.New()
			defer s.Close()
			w := &wrong{Full: s}
			breaks(w)
			if !history.Convicts(t, w, 500) {
				t.Error("no history was found to be wrong")
			}
		})
	}
}
