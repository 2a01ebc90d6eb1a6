package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// CompleteParent implements [store.ParentCompleter]: the completion and the children are one write, of
// the parent's document. From there the children are stored at once, or if this process dies, by the
// housekeeping of another one; each has its id by then, so it is stored once.
func (s *Store) CompleteParent(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if 1+len(children) > store.MaxTx {
		return nil, store.ErrTxTooLarge
	}
	refused := store.BatchError{Op: opInsert}
	valid := validate(children, &refused)
	if err := refused.OrNil(); err != nil {
		return nil, err
	}
	if err := s.number(ctx, children, valid); err != nil {
		return nil, err
	}
	at, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	parent := newParent(done.ID, children, at)
	refused.Op = opComplete
	all := completions([]store.Completion{done})(at, &refused)
	err = refused.OrNil()
	if err == nil {
		err = checkOutbox(&parent, len(done.Returned))
	}
	if err != nil {
		return nil, err
	}
	parent.goesWith(&all[0])
	w := writing{s: s}
	if err := w.end(alone(ctx), all, &refused); err != nil {
		return nil, s.inDoubt(err)
	}
	w.happened()
	if err := refused.OrNil(); err != nil {
		return nil, err
	}
	out, err := s.deliverOne(alone(ctx), &parent, len(w.settled) == 0)
	if err != nil {
		return nil, s.afterwards(fmt.Errorf("mongo: the task is completed, and its children will be stored later: %w", err))
	}
	return out, nil
}

// newParent returns what a task's document has of its children.
func newParent(id int64, children []store.NewTask, at instant) record {
	parent := record{ID: id, Outbox: at.early, Children: make([]record, len(children))}
	for i := range children {
		parent.Children[i] = newRecord(&children[i], at)
		parent.Children[i].Replaces = children[i].Replace
	}
	return parent
}

// goesWith adds the children, if there are any, to the update that completes their parent.
func (r *record) goesWith(e *ending) {
	if len(r.Children) == 0 {
		return
	}
	completion := e.update
	e.alike = "" // it is one of its kind
	e.update = func() bson.M {
		update := completion()
		set(update, "outbox", r.Outbox)
		set(update, "children", r.Children)
		return update
	}
}

// checkOutbox refuses children that do not fit into their parent's document, whatever else is in it.
func checkOutbox(parent *record, returned int) error {
	size := returned
	for i := range parent.Children {
		size += len(parent.Children[i].Params)
	}
	if size <= maxDocument {
		return nil
	}
	return fmt.Errorf("%d bytes of children and result are %w: the limit of MongoDB is %d bytes for them and the task itself together",
		size, store.ErrTooLarge, maxDocument)
}

// deliverOne stores a parent's children, unless they are, and empties its outbox. If somebody may have
// tried before, some may be stored, and counted, already.
func (s *Store) deliverOne(ctx context.Context, parent *record, again bool) ([]store.Inserted, error) {
	if len(parent.Children) == 0 {
		return nil, nil
	}
	in := insertion{
		s: s, records: parent.Children, out: make([]store.Inserted, len(parent.Children)),
		replace: func(i int) bool { return parent.Children[i].Replaces },
	}
	if err := in.run(ctx, func(int) bool { return again }); err != nil {
		return nil, err
	}
	s.announce(&in.news)
	_, err := s.tasks.UpdateOne(ctx, bson.M{"_id": parent.ID, "outbox": parent.Outbox},
		bson.M{"$unset": bson.M{"outbox": "", "children": ""}})
	return in.out, err
}

// deliver stores the children of parents that were completed before then and still have some to store.
func (s *Store) deliver(ctx context.Context, before int64) error {
	parents, err := readAll[record](ctx, s.tasks, bson.M{"outbox": bson.M{"$lte": before}},
		options.Find().SetProjection(bson.M{"outbox": 1, "children": 1}).SetLimit(sweepMost))
	if err != nil {
		return err
	}
	for i := range parents {
		if _, err := s.deliverOne(ctx, &parents[i], true); err != nil {
			return err
		}
	}
	return nil
}
