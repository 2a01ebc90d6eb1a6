package main

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// finishMany stores tasks that have ended, by running them.
func finishMany(ctx context.Context, s store.Store, n int) error {
	return produce(quickly.producers, n, quickly.batch, func(n int) error {
		tasks := make([]store.NewTask, n)
		for i := range tasks {
			tasks[i] = store.NewTask{Name: task.Name(), Queue: defaultQueue, Encoding: "json", Params: sample}
		}
		if _, err := s.Insert(ctx, tasks); err != nil {
			return err
		}
		claim := store.Claim{
			Queues: []string{defaultQueue}, Names: []string{task.Name()}, Worker: "bench",
			Limit: n, Lease: store.NewLeaseID(), For: patience,
		}
		claimed, err := s.ClaimDue(ctx, claim)
		if err != nil {
			return err
		}
		done := make([]store.Completion, len(claimed))
		for i, t := range claimed {
			done[i] = store.Completion{ID: t.ID, Lease: claim.Lease}
		}
		return s.Complete(ctx, done)
	})
}
