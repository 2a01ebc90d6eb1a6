package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// A handler that returns the driver's error of a failed serialization, or of a deadlock, is run again at
// once, at no cost and with nothing left of what it wrote before; any other error is a failure.
func TestConflictInAHandlersStatement(t *testing.T) {
	for _, test := range []struct {
		code string // of SQL's states
		runs int
		want store.Status
	}{
		{"40001", 2, store.Completed},
		{"40P01", 2, store.Completed},
		{"23514", 1, store.Failed}, // a check is violated
	} {
		t.Run(test.code, func(t *testing.T) {
			s := newShop(t)
			runs := 0
			task := firefly.Define("conflict", func(ctx context.Context, _ firefly.None) (firefly.None, error) {
				runs++
				if err := write(ctx, strconv.Itoa(runs)); err != nil || runs > 1 {
					return firefly.None{}, err
				}
				tx, err := postgres.Tx(ctx)
				if err == nil {
					_, err = tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '"+test.code+"'; END $$")
				}
				return firefly.None{}, fmt.Errorf("take from stock: %w", err)
			})
			s.work(firefly.WorkerConfig{}, task)
			h, err := task.Schedule(t.Context(), s.client, firefly.None{})
			if err != nil {
				t.Fatal(err)
			}
			got := waitFor(s, h)
			if got.Status != test.want || got.Retries != 0 || runs != test.runs {
				t.Errorf("the task is %s after %d runs and %d retries, want %s after %d and none",
					got.Status, runs, got.Retries, test.want, test.runs)
			}
			var effects []string
			if test.want == store.Completed {
				effects = []string{strconv.Itoa(test.runs)}
			}
			if left := s.effects(); !slices.Equal(left, effects) {
				t.Errorf("effects are %v, want %v", left, effects)
			}
		})
	}
}
