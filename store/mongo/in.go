package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

var errNoSession = store.Invalid("mongo", errors.New("In needs a context with a session whose transaction is running: "+
	"the one that Session.WithTransaction gives to its function"))

// In returns a writer in a transaction of the application's own: ctx is the one that
// [mongo.Session.WithTransaction] gives to its function, on the same deployment. What is written
// through it happens if and only if that commits. A [*store.BatchError] names refused items, of which
// all others were applied; any other error is to be returned from the function, which runs again where
// that helps. It is used as the session is: one call at a time. The transaction's write concern is the
// application's: with less than majority, a failover may lose what was committed.
func (s *Store) In(ctx context.Context) store.Writer {
	return &inApp{s, mongo.SessionFromContext(ctx)}
}

type inApp struct {
	s       *Store
	session *mongo.Session
}

// write makes one call in the application's transaction.
func (w *inApp) write(ctx context.Context, call func(in *inTx) error) error {
	if w.session == nil || !w.session.TransactionRunning() {
		return errNoSession
	}
	if err := w.s.enter(ctx); err != nil {
		return err
	}
	if !w.s.replicated {
		return w.s.errStandAlone()
	}
	in := newInTx(w.s, w.session)
	if err := call(in); err != nil {
		return fmt.Errorf("mongo: the application's transaction: %w", w.s.explainInTx(err))
	}
	w.s.work.wrote()
	for _, refused := range in.refused {
		if err := refused.OrNil(); err != nil {
			return err
		}
	}
	return nil
}

func (w *inApp) Insert(ctx context.Context, tasks []store.NewTask) (out []store.Inserted, err error) {
	err = w.write(ctx, func(in *inTx) error {
		out, err = in.Insert(ctx, tasks)
		return err
	})
	if out == nil {
		out = make([]store.Inserted, len(tasks))
	}
	return out, err
}

func (w *inApp) Complete(ctx context.Context, done []store.Completion) error {
	return w.write(ctx, func(in *inTx) error { return in.Complete(ctx, done) })
}

func (w *inApp) Fail(ctx context.Context, failed []store.Failure) error {
	return w.write(ctx, func(in *inTx) error { return in.Fail(ctx, failed) })
}

func (w *inApp) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return w.write(ctx, func(in *inTx) error { return in.Reschedule(ctx, again) })
}

// An inTx writes in a session's transaction. It returns errors that end the transaction, and keeps
// refusals.
type inTx struct {
	writing
	session *mongo.Session
	refused []*store.BatchError
}

func newInTx(s *Store, session *mongo.Session) *inTx {
	return &inTx{writing: writing{s: s, inTx: true}, session: session}
}

func (in *inTx) op(name string) *store.BatchError {
	refused := &store.BatchError{Op: name}
	in.refused = append(in.refused, refused)
	return refused
}

func (in *inTx) Complete(ctx context.Context, done []store.Completion) error {
	return in.settle(ctx, opComplete, completions(done))
}

func (in *inTx) Fail(ctx context.Context, failed []store.Failure) error {
	return in.settle(ctx, opFail, failures(failed))
}

func (in *inTx) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	return in.settle(ctx, opReschedule, reschedulings(again))
}

func (in *inTx) settle(ctx context.Context, op string, all endings) error {
	at, err := in.s.now(ctx)
	if err != nil {
		return err
	}
	refused := in.op(op)
	return in.end(mongo.NewSessionContext(ctx, in.session), all(at, refused), refused)
}

// Insert stores tasks. A key that is taken would end the transaction, so it is looked for before; if
// somebody takes it meanwhile, the transaction has run into a conflict.
func (in *inTx) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	out := make([]store.Inserted, len(tasks))
	valid := validate(tasks, in.op(opInsert))
	again := repeats(tasks)
	if err := in.s.number(ctx, tasks, valid); err != nil {
		return nil, err
	}
	at, err := in.s.now(ctx)
	if err != nil {
		return nil, err
	}
	ctx = mongo.NewSessionContext(ctx, in.session)
	there, err := in.standing(ctx, tasks, valid, again)
	if err != nil {
		return nil, err
	}
	var docs []any
	counted := tally{}
	for _, i := range valid {
		r := newRecord(&tasks[i], at)
		if same := there.byID[r.ID]; same != nil && again[i] {
			out[i] = same.inserted()
			continue
		}
		holder := there.byKey[r.Held]
		switch {
		case r.Held == "" || holder == nil:
			docs = append(docs, &r)
			counted.add(r.Queue, store.Created, 1)
			there.byKey[r.Held] = &r
			out[i] = r.inserted()
			in.news.Due(r.Queue)
		case !tasks[i].Replace || !replaceable(holder, &r):
			out[i] = store.Inserted{ID: holder.ID, Outcome: store.Existing}
		default:
			if err := in.flush(ctx, &docs, &counted); err != nil { // the holder may be among them
				return nil, err
			}
			result, err := in.s.tasks.UpdateOne(ctx, replaceFilter(holder), r.replacement())
			if err == nil && result.MatchedCount == 0 {
				err = overtaken(nil)
			}
			if err != nil {
				return nil, err
			}
			out[i] = store.Inserted{ID: holder.ID, Outcome: store.Replaced}
			in.news.Due(r.Queue)
		}
	}
	return out, in.flush(ctx, &docs, &counted)
}

// standing finds what may be in the way of tasks: nearly always there is nothing to look for.
func (in *inTx) standing(ctx context.Context, tasks []store.NewTask, valid []int, again map[int]bool) (standing, error) {
	var ids []int64
	var held []string
	for _, i := range valid {
		if again[i] {
			ids = append(ids, tasks[i].ID)
		}
		if key := tasks[i].UniqueKey; key != "" {
			held = append(held, key)
		}
	}
	return in.s.standing(ctx, ids, held)
}

// flush inserts what was collected, together with its tally.
func (in *inTx) flush(ctx context.Context, docs *[]any, counted *tally) error {
	if len(*docs) == 0 {
		return nil
	}
	all := append(*docs, counted.document())
	*docs, *counted = nil, tally{}
	_, err := in.s.tasks.InsertMany(ctx, all, options.InsertMany().SetOrdered(true))
	if mongo.IsDuplicateKeyError(err) {
		return overtaken(err)
	}
	return err
}

// overtaken is the error of a transaction whose unique key somebody took, or freed, meanwhile. Its label
// has the driver run the transaction again.
func overtaken(err error) error {
	return fmt.Errorf("%w:%w", store.ErrConflict, mongo.CommandError{
		Message: "a unique key changed hands meanwhile", Labels: []string{labelTransient}, Wrapped: err,
	})
}
