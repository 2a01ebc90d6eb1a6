package storetest

import (
	"context"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// completingParents is a CompleteParent with a bug.
func completingParents(
	bug func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error),
) func(*broken) {
	return func(b *broken) {
		b.completeParent = func(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			return bug(ctx, b, done, children)
		}
	}
}

// bearing is a CompleteParent whose children are changed on their way.
func bearing(change func(children []store.NewTask) []store.NewTask) func(*broken) {
	return completingParents(func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
		changed := change(slices.Clone(children))
		out, err := b.Store.CompleteParent(ctx, done, changed)
		for i := range changed {
			children[i].ID = changed[i].ID
		}
		return append(out, make([]store.Inserted, len(children)-len(changed))...), err
	})
}

// live returns the tasks that have not finished.
func (b *broken) live(ctx context.Context) []store.Task {
	tasks, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Created, store.Running}}, store.Page{})
	return tasks
}

var brokenParents = []brokenStore{
	{"children are not stored with their parent", "ParentCompletesWithChildren", bearing(func(children []store.NewTask) []store.NewTask {
		return children[:min(len(children), 1)]
	})},
	{"a parent needs children", "ParentWithoutChildren", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			if len(children) == 0 {
				return nil, nil
			}
			return b.Store.CompleteParent(ctx, done, children)
		})},
	{"a parent's repeat has new children", "ParentRepeatInsertsOnce", bearing(func(children []store.NewTask) []store.NewTask {
		for i := range children {
			children[i].ID = 0
		}
		return children
	})},
	{"children are stored before their parent is completed", "ParentStaleLeaseLeavesNoChild", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			out, err := b.Store.Insert(ctx, children)
			if err != nil {
				return nil, err
			}
			return out, b.Store.Complete(ctx, []store.Completion{done})
		})},
	{"a release of a parent does not ask for the lease", "ParentReleaseAfterRefused", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			if b.holder(ctx, again[0].ID).IsZero() {
				return nil
			}
			return b.Store.Reschedule(ctx, again)
		}
	}},
	{"a released parent completes", "ParentReleaseFirstRefuses", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			if b.holder(ctx, done.ID).IsZero() {
				return b.Store.Insert(ctx, children)
			}
			return b.Store.CompleteParent(ctx, done, children)
		})},
	{"a parent's completion and its release ignore each other", "ParentRacesRelease", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			_ = b.Store.Reschedule(ctx, again)
			return nil
		}
		b.completeParent = func(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			if _, err := b.Store.CompleteParent(ctx, done, children); err != nil {
				return b.Store.Insert(ctx, children)
			}
			return make([]store.Inserted, len(children)), nil
		}
	}},
	{"a flagged parent cannot complete", "ParentFlaggedCompletes", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			for _, task := range b.live(ctx) {
				if task.ID == done.ID && task.CancelRequested {
					done.Lease = store.NewLeaseID()
				}
			}
			return b.Store.CompleteParent(ctx, done, children)
		})},
	{"a parent is completed without its invalid children", "ParentInvalidChildRefusesAll", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			if err := b.Store.Complete(ctx, []store.Completion{done}); err != nil {
				return nil, err
			}
			return b.Store.Insert(ctx, children)
		})},
	{"a parent drops the children that are too many", "ParentTooLargeRefused", bearing(func(children []store.NewTask) []store.NewTask {
		return children[:min(len(children), store.MaxTx-1)]
	})},
	{"children ignore unique keys", "ParentKeysAreJudged", bearing(func(children []store.NewTask) []store.NewTask {
		for i := range children {
			children[i].UniqueKey = ""
		}
		return children
	})},
	{"a child runs into its parent's key", "ParentKeyPassedOn", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			held := b.live(ctx)
			out, err := b.Store.CompleteParent(ctx, done, slices.DeleteFunc(slices.Clone(children), func(n store.NewTask) bool {
				return slices.ContainsFunc(held, func(task store.Task) bool { return n.UniqueKey != "" && n.UniqueKey == task.UniqueKey })
			}))
			return append(out, make([]store.Inserted, len(children)-len(out))...), err
		})},
	{"a parent is completed whatever its context", "ParentEndedContextChangesNothing", completingParents(
		func(ctx context.Context, b *broken, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
			return b.Store.CompleteParent(context.WithoutCancel(ctx), done, children)
		})},
}
