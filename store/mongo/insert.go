package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

const opInsert = "insert"

// Insert implements [store.Writer].
func (s *Store) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	out := make([]store.Inserted, len(tasks))
	refused := store.BatchError{Op: opInsert}
	valid := validate(tasks, &refused)
	if len(valid) == 0 {
		return out, refused.OrNil()
	}
	again := repeats(tasks)
	if err := s.number(ctx, tasks, valid); err != nil {
		return nil, err
	}
	at, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	records := make([]record, len(valid))
	for i, v := range valid {
		records[i] = newRecord(&tasks[v], at)
	}
	in := insertion{
		s: s, records: records, out: make([]store.Inserted, len(valid)),
		replace: func(i int) bool { return tasks[valid[i]].Replace },
	}
	if err := in.run(alone(ctx), func(i int) bool { return again[valid[i]] }); err != nil {
		return out, s.inDoubt(err)
	}
	for i, v := range valid {
		out[v] = in.out[i]
	}
	s.announce(&in.news)
	return out, refused.OrNil()
}

// validate returns the places of the tasks that can be stored, and refuses the others.
func validate(tasks []store.NewTask, refused *store.BatchError) []int {
	valid := make([]int, 0, len(tasks))
	for i := range tasks {
		err := tasks[i].Validate()
		if err == nil {
			err = checkSize(&tasks[i])
		}
		if err != nil {
			refused.Refuse(i, tasks[i].ID, err)
			continue
		}
		valid = append(valid, i)
	}
	return valid
}

// repeats returns the places of tasks that came with an id.
func repeats(tasks []store.NewTask) map[int]bool {
	var again map[int]bool
	for i := range tasks {
		if tasks[i].ID != 0 {
			if again == nil {
				again = map[int]bool{}
			}
			again[i] = true
		}
	}
	return again
}

// An insertion stores tasks outside of transactions: it simply inserts them, and what is there
// already, the task itself or one that holds its key, is looked at afterwards.
type insertion struct {
	s       *Store
	records []record
	out     []store.Inserted
	replace func(i int) bool
	news    wake.News
}

// insertTries bounds how often a task meets a holder of its key that is gone when it is looked at.
const insertTries = 10

// run stores the tasks. Those that repeat others may be stored, and counted, already.
func (in *insertion) run(ctx context.Context, repeat func(i int) bool) error {
	counted, stored := tally{}, tally{}
	todo := make([]int, len(in.records))
	for i := range in.records {
		todo[i] = i
		if !repeat(i) {
			counted.add(in.records[i].Queue, store.Created, 1)
		}
	}
	along := counted
	for try := range insertTries {
		taken, err := in.insert(ctx, todo, along)
		if err != nil && try > 0 {
			return in.s.afterwards(err)
		} else if err != nil {
			return err
		}
		for _, i := range todo {
			if !taken[i] {
				r := &in.records[i]
				in.out[i] = r.inserted()
				stored.add(r.Queue, store.Created, 1)
				in.due(r)
			}
		}
		if todo, err = in.meet(ctx, taken); err != nil {
			return in.s.afterwards(err)
		}
		if len(todo) == 0 {
			return in.s.afterwards(in.s.correct(ctx, stored.minus(counted)))
		}
		along = nil
	}
	return in.s.afterwards(fmt.Errorf("%w: the unique keys change too fast", store.ErrUnavailable))
}

// due tells those who wait of a task that is due at once.
func (in *insertion) due(r *record) {
	if r.Due <= r.Created {
		in.news.Due(r.Queue)
	}
}

// insert stores tasks together with a tally, and returns those whose id, or key, is taken.
func (in *insertion) insert(ctx context.Context, todo []int, along tally) (taken map[int]bool, err error) {
	docs := make([]any, 0, len(todo)+1)
	for _, i := range todo {
		docs = append(docs, &in.records[i])
	}
	if !along.empty() {
		docs = append(docs, along.document())
	}
	_, err = in.s.tasks.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return nil, err
	}
	taken = map[int]bool{}
	for _, e := range bulk.WriteErrors {
		if !e.HasErrorCode(codeDuplicateKey) || e.Index >= len(todo) {
			return nil, err
		}
		taken[todo[e.Index]] = true
	}
	return taken, nil
}

// meet finds out what is in the way of tasks, and returns those that nothing is in the way of any more.
func (in *insertion) meet(ctx context.Context, taken map[int]bool) (again []int, err error) {
	if len(taken) == 0 {
		return nil, nil
	}
	ids, held := make([]int64, 0, len(taken)), make([]string, 0, len(taken))
	for i := range taken {
		ids = append(ids, in.records[i].ID)
		if key := in.records[i].Held; key != "" {
			held = append(held, key)
		}
	}
	there, err := in.s.standing(ctx, ids, held)
	if err != nil {
		return nil, err
	}
	for i := range taken {
		r := &in.records[i]
		if same := there.byID[r.ID]; same != nil {
			in.out[i] = same.inserted()
			continue
		}
		done := false
		if holder := there.byKey[r.Held]; holder != nil {
			if in.out[i], done, err = in.stand(ctx, holder, i); err != nil {
				return nil, err
			}
		}
		if !done {
			again = append(again, i)
		}
	}
	return again, nil
}

// stand lets the holder of a key stand for a task. It is not done if the holder has changed.
func (in *insertion) stand(ctx context.Context, holder *record, i int) (out store.Inserted, done bool, err error) {
	r := &in.records[i]
	if !in.replace(i) || !replaceable(holder, r) {
		return store.Inserted{ID: holder.ID, Outcome: store.Existing}, true, nil
	}
	result, err := in.s.tasks.UpdateOne(ctx, replaceFilter(holder), r.replacement())
	if err != nil || result.MatchedCount == 0 {
		return out, false, err
	}
	in.s.candidates.outdate()
	in.due(r)
	return store.Inserted{ID: holder.ID, Outcome: store.Replaced}, true, nil
}

func replaceable(holder, by *record) bool {
	return holder.Status == store.Created && holder.Name == by.Name && holder.Queue == by.Queue
}

func replaceFilter(holder *record) bson.M {
	return bson.M{"_id": holder.ID, "status": store.Created, "held": holder.Held}
}

// standing are the tasks that have one of the ids, or hold one of the keys.
type standing struct {
	byID  map[int64]*record
	byKey map[string]*record
}

func (s *Store) standing(ctx context.Context, ids []int64, held []string) (standing, error) {
	there := standing{map[int64]*record{}, map[string]*record{}}
	fields := options.Find().SetProjection(bson.M{
		"name": 1, "queue": 1, "priority": 1, "status": 1, "held": 1, "created": 1, "due": 1,
	})
	find := func(field string, values any) error {
		found, err := readAll[record](ctx, s.hints, bson.M{field: bson.M{"$in": values}}, fields)
		for i := range found {
			there.byID[found[i].ID] = &found[i]
			if key := found[i].Held; key != "" {
				there.byKey[key] = &found[i]
			}
		}
		return err
	}
	var err error
	if len(ids) > 0 {
		err = find("_id", ids)
	}
	if err == nil && len(held) > 0 {
		err = find("held", held)
	}
	return there, err
}
