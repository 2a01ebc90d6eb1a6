package mongo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// newMark returns what a call leaves on the tasks that it changes, to know them by. It is never zero.
func newMark() int64 { return 1 + rand.Int64N(1<<62) }

// endTries bounds how often tasks change between a look at them and the update.
const endTries = 5

// end ends runs, each only if its lease still holds the task. Nearly always that is one command,
// which says by the number of tasks that it met that all is well. Otherwise the tasks are looked at:
// those that bear this call's mark are done, one that is to be cancelled gets another update, and
// the rest is refused.
func (w *writing) end(ctx context.Context, all []ending, refused *store.BatchError) error {
	queues, err := w.queuesOf(ctx, all)
	if err != nil {
		return err
	}
	for try := 0; len(all) > 0; try++ {
		if try == endTries {
			return w.s.afterwards(errors.New("mongo: some tasks change too fast to be settled"))
		}
		if all, err = w.endOnce(ctx, all, queues, refused); err != nil && try > 0 {
			return w.s.afterwards(err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// queuesOf returns the queue of each task. This process knows those that it has claimed.
func (w *writing) queuesOf(ctx context.Context, all []ending) (map[int64]string, error) {
	queues := make(map[int64]string, len(all))
	w.s.holdings.queues(all, queues)
	if len(queues) == len(all) {
		return queues, nil
	}
	var unknown []int64
	for i := range all {
		if _, ok := queues[all[i].id]; !ok {
			unknown = append(unknown, all[i].id)
		}
	}
	found, err := readAll[record](ctx, w.s.tasks, bson.M{"_id": bson.M{"$in": unknown}}, options.Find().SetProjection(bson.M{"queue": 1}))
	for i := range found {
		queues[found[i].ID] = found[i].Queue
	}
	return queues, err
}

// endOnce makes one try, and returns what is to be tried again.
func (w *writing) endOnce(ctx context.Context, all []ending, queues map[int64]string, refused *store.BatchError) ([]ending, error) {
	mark := newMark()
	models, targets := models(all, mark)
	counted := tally{}
	for i := range all {
		counted.move(queues[all[i].id], store.Running, all[i].to)
	}
	models = append(models, counted.model())
	result, err := w.s.tasks.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(w.inTx))
	matched := 0
	var oversized map[int64]error
	if result != nil {
		matched = int(result.MatchedCount)
	}
	if err != nil {
		if oversized = w.oversized(err, targets); oversized == nil {
			return nil, err
		}
	}
	if matched == len(all) {
		for i := range all {
			w.ended(&all[i], queues)
		}
		return nil, nil
	}
	again, done, err := w.sort(ctx, all, mark, oversized, refused)
	if err != nil {
		return nil, w.s.afterwards(err)
	}
	happened := tally{}
	for _, e := range done {
		happened.move(queues[e.id], store.Running, e.to)
		w.ended(e, queues)
	}
	if len(done) != matched { // one was done, and then changed by somebody else
		return nil, w.s.afterwards(fmt.Errorf("mongo: %d tasks were changed, of which %d are as they were left", matched, len(done)))
	}
	return again, w.s.afterwards(w.s.correct(ctx, happened.minus(counted)))
}

func (w *writing) ended(e *ending, queues map[int64]string) {
	w.settled = append(w.settled, settled{e.id, e.lease})
	if e.to == store.Created {
		w.news.Due(queues[e.id])
	}
}

// oversized returns the tasks whose document would be too large, if that is all that went wrong.
// In a transaction, which is over, nothing is left to be told apart.
func (w *writing) oversized(err error, targets [][]int64) map[int64]error {
	var bulk mongo.BulkWriteException
	if w.inTx || !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return nil
	}
	found := map[int64]error{}
	for _, e := range bulk.WriteErrors {
		if e.Index >= len(targets) || !tooLarge(e.WriteError) {
			return nil
		}
		for _, id := range targets[e.Index] {
			found[id] = w.s.explain(e.WriteError)
		}
	}
	return found
}

// models are the updates, those that are alike in one, and the tasks that each is for.
func models(all []ending, mark int64) (models []mongo.WriteModel, targets [][]int64) {
	type group struct {
		lease store.LeaseID
		alike string
	}
	together := map[group]int{}
	var first []*ending
	for i := range all {
		e := &all[i]
		at, known := together[group{e.lease, e.alike}]
		if e.alike == "" || !known {
			at = len(targets)
			targets, first = append(targets, nil), append(first, e)
			together[group{e.lease, e.alike}] = at
		}
		targets[at] = append(targets[at], e.id)
	}
	for i, e := range first {
		filter := bson.M{"_id": bson.M{"$in": targets[i]}, "lease": e.lease[:]}
		if e.flagged != nil {
			filter["cancel"] = nil // not there
		}
		update := e.update()
		set(update, "op", mark)
		if len(targets[i]) == 1 {
			filter["_id"] = targets[i][0]
		}
		models = append(models, mongo.NewUpdateManyModel().SetFilter(filter).SetUpdate(update))
	}
	return models, targets
}

// sort tells apart what was done, what is to be tried again, and what is refused.
func (w *writing) sort(ctx context.Context, all []ending, mark int64, oversized map[int64]error, refused *store.BatchError) (
	again []ending, done []*ending, err error,
) {
	ids := make([]int64, len(all))
	for i := range all {
		ids[i] = all[i].id
	}
	found, err := readAll[record](ctx, w.s.tasks, bson.M{"_id": bson.M{"$in": ids}}, options.Find().SetProjection(bson.M{
		"status": 1, "lease": 1, "cancel": 1, "ended_by": 1, "op": 1,
	}))
	if err != nil {
		return nil, nil, err
	}
	byID := make(map[int64]*record, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	for i := range all {
		e := &all[i]
		r := byID[e.id]
		switch {
		case r == nil:
			refused.Refuse(e.index, e.id, store.ErrLeaseLost)
		case r.Op == mark:
			done = append(done, e)
		case oversized[e.id] != nil: // by its own result, or error: small ones fit
			refused.Refuse(e.index, e.id, oversized[e.id])
		case string(r.Lease) == string(e.lease[:]) && r.Cancel && e.flagged != nil:
			e.to, e.update, e.flagged, e.alike = store.Cancelled, e.flagged, nil, ""
			again = append(again, *e)
		case string(r.Lease) == string(e.lease[:]):
			again = append(again, *e)
		case !w.inTx && string(r.EndedBy) == string(e.lease[:]) && slices.Contains(e.repeated, r.Status):
		default:
			refused.Refuse(e.index, e.id, store.ErrLeaseLost)
		}
	}
	return again, done, nil
}

// correct adds what a tally was wrong by.
func (s *Store) correct(ctx context.Context, by tally) error {
	if by.empty() {
		return nil
	}
	_, err := s.tasks.InsertOne(ctx, by.document())
	return err
}
