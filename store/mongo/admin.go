package mongo

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Cancel implements [store.Canceler].
func (s *Store) Cancel(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "cancel", &f, limit, (*administration).cancel)
}

// Retry implements [store.Retrier].
func (s *Store) Retry(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "retry", &f, limit, (*administration).retry)
}

// SetDue implements [store.DueSetter].
func (s *Store) SetDue(ctx context.Context, f store.Filter, when store.When, limit int) ([]int64, error) {
	if err := when.Validate(); err != nil {
		return nil, err
	}
	return s.administer(ctx, "set due", &f, limit, func(a *administration, ctx context.Context, page []record) error {
		return a.setDue(ctx, page, dueAt(when, a.at))
	})
}

// Delete implements [store.Deleter].
func (s *Store) Delete(ctx context.Context, f store.Filter, limit int) ([]int64, error) {
	return s.administer(ctx, "delete", &f, limit, (*administration).remove)
}

// An administration changes the tasks that match a filter, a page of them at a time.
type administration struct {
	s       *Store
	filter  []bson.M // that a task must still match when it is changed
	byID    bool     // the filter names ids
	at      instant
	changed []int64
	wrote   bool // some may have been changed that changed does not name yet
	refused store.BatchError
	tally   tally   // of the page
	missed  []int64 // of the page: others have changed them since they were read
	news    wake.News
}

// adminPage is how many tasks are looked at, and changed, at a time.
const adminPage = 1000

func (s *Store) administer(
	ctx context.Context, op string, f *store.Filter, limit int, change func(*administration, context.Context, []record) error,
) ([]int64, error) {
	if f.IsZero() {
		return nil, store.Invalid(op, errors.New("the filter is empty: to mean every task, name every status"))
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	at, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	a := administration{s: s, filter: conditions(f, at.early), byID: f.IDs != nil, at: at, refused: store.BatchError{Op: op}}
	err = a.run(alone(ctx), limit, change)
	for i, r := range a.refused.Refused {
		a.refused.Refused[i].Index = slices.Index(f.IDs, r.ID)
	}
	s.work.wrote()
	s.candidates.outdate()
	s.announce(&a.news)
	if err != nil && a.wrote {
		return a.changed, s.afterwards(err)
	} else if err != nil {
		return nil, s.inDoubt(err)
	}
	return a.changed, a.refused.OrNil()
}

func (a *administration) run(ctx context.Context, limit int, change func(*administration, context.Context, []record) error) error {
	for after := int64(0); limit <= 0 || len(a.changed) < limit; {
		most := adminPage
		if limit > 0 {
			most = min(most, limit-len(a.changed))
		}
		page, err := readAll[record](ctx, a.s.tasks, and(append(slices.Clip(a.filter), bson.M{"_id": bson.M{"$gt": after}})),
			lookFields().SetLimit(int64(most)))
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		for range looks {
			if page, err = a.judge(ctx, page, change); err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
		}
	}
	return nil
}

// looks bounds how often a task is judged that somebody else changes each time.
const looks = 100

// judge changes a page of tasks, and returns those that were changed by others since they were read, as
// they are now: they are judged by that.
func (a *administration) judge(
	ctx context.Context, page []record, change func(*administration, context.Context, []record) error,
) ([]record, error) {
	a.tally, a.missed = tally{}, nil
	if err := change(a, ctx, page); err != nil {
		return nil, err
	}
	if err := a.s.correct(ctx, a.tally); err != nil || len(a.missed) == 0 {
		return nil, err
	}
	return readAll[record](ctx, a.s.tasks, and(append(slices.Clip(a.filter), bson.M{"_id": bson.M{"$in": a.missed}})), lookFields())
}

// lookFields are what tasks are judged by, in the order of their ids.
func lookFields() *options.FindOptionsBuilder {
	return options.Find().SetSort(keys("_id")).SetProjection(bson.M{"queue": 1, "status": 1, "unique_key": 1, "cancel": 1})
}

// still is a query for tasks of a page, as long as they match and have the status.
func (a *administration) still(ids []int64, more bson.M) bson.M {
	return and(append(slices.Clip(a.filter), bson.M{"_id": bson.M{"$in": ids}}, more))
}

// update changes tasks of a page that still match, and returns those.
func (a *administration) update(ctx context.Context, of []record, state, change bson.M) ([]record, error) {
	if len(of) == 0 {
		return nil, nil
	}
	mark := newMark()
	set(change, "op", mark)
	ids := idsOf(of)
	result, err := a.s.tasks.UpdateMany(ctx, a.still(ids, state), change)
	a.wrote = a.wrote || err == nil
	if err != nil || int(result.MatchedCount) == len(of) {
		return of, err
	}
	marked, err := readAll[record](ctx, a.s.tasks, bson.M{"_id": bson.M{"$in": ids}, "op": mark}, onlyID())
	if err != nil {
		return nil, err
	}
	is := map[int64]bool{}
	for i := range marked {
		is[marked[i].ID] = true
	}
	var done []record
	for _, r := range of {
		if is[r.ID] {
			done = append(done, r)
		} else {
			a.missed = append(a.missed, r.ID)
		}
	}
	return done, nil
}

func onlyID() *options.FindOptionsBuilder { return options.Find().SetProjection(bson.M{"_id": 1}) }

func idsOf(of []record) []int64 {
	ids := make([]int64, len(of))
	for i := range of {
		ids[i] = of[i].ID
	}
	return ids
}

func withStatus(page []record, all ...store.Status) (some []record) {
	for i := range page {
		if slices.Contains(all, page[i].Status) {
			some = append(some, page[i])
		}
	}
	return some
}

func (a *administration) cancel(ctx context.Context, page []record) error {
	ends := finished(store.Cancelled, a.at.early, store.LeaseID{}, nil)
	waiting, err := a.update(ctx, withStatus(page, store.Created), bson.M{"status": store.Created}, ends)
	if err != nil {
		return err
	}
	for i := range waiting {
		a.tally.move(waiting[i].Queue, store.Created, store.Cancelled)
	}
	running := slices.DeleteFunc(withStatus(page, store.Running), func(r record) bool { return r.Cancel })
	flagged, err := a.update(ctx, running, bson.M{"status": store.Running, "cancel": nil}, bson.M{"$set": bson.M{"cancel": true}})
	if err != nil {
		return err
	}
	for i := range flagged {
		a.news.Cancelled(flagged[i].Queue, flagged[i].ID)
	}
	a.done(append(waiting, flagged...))
	return nil
}

func (a *administration) done(some []record) {
	ids := idsOf(some)
	slices.Sort(ids)
	a.changed = append(a.changed, ids...)
}

func (a *administration) retry(ctx context.Context, page []record) error {
	var plain []record
	var revived []record
	for _, r := range withStatus(page, store.Failed, store.Cancelled) {
		if r.UniqueKey == "" {
			plain = append(plain, r)
			continue
		}
		one, err := a.update(ctx, []record{r}, revivable, a.revival(r.UniqueKey))
		switch {
		case mongo.IsDuplicateKeyError(err):
			a.refused.Refuse(0, r.ID, store.ErrDuplicate)
		case err != nil:
			return err
		default:
			revived = append(revived, one...)
		}
	}
	some, err := a.update(ctx, plain, revivable, a.revival(""))
	if err != nil {
		return err
	}
	revived = append(revived, some...)
	for i := range revived {
		a.tally.move(revived[i].Queue, revived[i].Status, store.Created)
		a.news.Due(revived[i].Queue)
	}
	a.done(revived)
	return nil
}

var revivable = bson.M{"status": bson.M{"$in": []store.Status{store.Failed, store.Cancelled}}}

// revival makes a task as new, but for its history.
func (a *administration) revival(key string) bson.M {
	set := bson.M{"status": store.Created, "due": a.at.early}
	if key != "" {
		set["held"] = key
	}
	gone := bson.M{}
	for _, field := range []string{"finished", "retries", "crashes", "cancel", "ended_by", "returned"} {
		gone[field] = ""
	}
	return bson.M{"$set": set, "$unset": gone}
}

func (a *administration) setDue(ctx context.Context, page []record, due int64) error {
	waiting, err := a.update(ctx, withStatus(page, store.Created), bson.M{"status": store.Created}, bson.M{"$set": bson.M{"due": due}})
	if err != nil {
		return err
	}
	for i := 0; i < len(waiting) && due <= a.at.early; i++ {
		a.news.Due(waiting[i].Queue)
	}
	a.done(waiting)
	return nil
}
