package firefly_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// errDriver is how the driver of knowing's transactions says that they ran into others.
var errDriver = errors.New("driver: write conflict")

// knowing is a store whose transactions know their driver's errors.
type knowing struct{ *faulty }

func (s knowing) Begin(ctx context.Context) (store.Tx, error) {
	tx, err := store.Begin(ctx, s.faulty)
	return knowingTx{tx}, err
}

type knowingTx struct{ store.Tx }

func (knowingTx) Conflicted(err error) bool { return errors.Is(err, errDriver) }

// A handler that returns its driver's words for a conflict is run again at no cost, as if it had
// returned the store's; without a transaction that could have conflicted they are an error as any other.
func TestConflictInTheDriversWords(t *testing.T) {
	for _, test := range []struct {
		name string
		open bool
		runs int
		want store.Status
	}{
		{"in a transaction", true, 3, store.Completed},
		{"outside", false, 1, store.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				runs := 0
				w.workOn(knowing{w.store}, firefly.WorkerConfig{}, job.Handle(func(ctx context.Context, _ firefly.None) (firefly.None, error) {
					runs++
					if test.open {
						if _, err := store.AttemptTx(ctx); err != nil {
							return firefly.None{}, err
						}
					}
					if runs < 3 {
						return firefly.None{}, fmt.Errorf("take from stock: %w", errDriver)
					}
					return firefly.None{}, nil
				}))
				h := w.schedule()
				w.settle(time.Minute)
				if task := w.status(h.ID(), test.want); runs != test.runs || task.Retries != 0 {
					t.Errorf("%d runs and %d retries, want %d and none", runs, task.Retries, test.runs)
				}
			})
		})
	}
}
