package mongo

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/store"
)

// A kind is what the tasks have in common of which the server is to say how many it deleted.
type kind struct {
	queue  string
	status store.Status
}

// remove deletes tasks of a page.
func (a *administration) remove(ctx context.Context, page []record) error {
	kinds := map[kind][]record{}
	for _, r := range page {
		if r.Status != store.Running {
			k := kind{r.Queue, r.Status}
			kinds[k] = append(kinds[k], r)
		} else if a.byID {
			a.refused.Refuse(0, r.ID, store.ErrRunning)
		}
	}
	for k, of := range kinds {
		if err := a.removeKind(ctx, k, of); err != nil {
			return err
		}
	}
	slices.Sort(a.changed)
	return nil
}

func (a *administration) removeKind(ctx context.Context, k kind, of []record) error {
	result, err := a.s.tasks.DeleteMany(ctx, a.still(idsOf(of), bson.M{"status": k.status, "outbox": nil}))
	if err != nil {
		return err
	}
	a.wrote = true
	a.tally.add(k.queue, k.status, -result.DeletedCount)
	if int(result.DeletedCount) == len(of) {
		a.done(of)
		return nil
	}
	left, err := readAll[record](ctx, a.s.tasks, bson.M{"_id": bson.M{"$in": idsOf(of)}}, lookFields())
	if err != nil {
		return err
	}
	there := map[int64]bool{}
	for i := range left {
		there[left[i].ID] = true
		if left[i].Status != k.status { // else it has an outbox
			a.missed = append(a.missed, left[i].ID)
		}
	}
	if result.DeletedCount > 0 { // those that another call has deleted at the same moment count for both
		a.done(slices.DeleteFunc(of, func(r record) bool { return there[r.ID] }))
	}
	return nil
}
