package mongo_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// A shop is an application: a store, and documents of its own in the same database.
type shop struct {
	*testing.T
	store  *mongo.Store
	client *firefly.Client
	notes  *driver.Collection // that transactions leave
	orders *driver.Collection // one, of which n counts the changes
	view   view
}

// A view is what a test looks at a shop through: the shop's own connections, unless these are cut.
type view struct {
	store *mongo.Store
	db    *driver.Database
}

func newShop(t *testing.T, opts ...mongo.Option) *shop {
	t.Helper()
	_, db := fresh(t)
	return openShop(t, db, opts...)
}

func openShop(t *testing.T, db *driver.Database, opts ...mongo.Option) *shop {
	t.Helper()
	s := &shop{T: t, store: openStore(t, db, opts...), orders: db.Collection("order"), notes: db.Collection("note")}
	s.view = view{s.store, db}
	var err error
	if s.client, err = firefly.NewClient(s.store, firefly.ClientConfig{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateCollection(t.Context(), "note"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.orders.InsertOne(t.Context(), bson.M{"_id": "order", "n": 0}); err != nil {
		t.Fatal(err)
	}
	return s
}

// write leaves a note; as part of a transaction, if the context is of one.
func (s *shop) write(ctx context.Context, note string) error {
	_, err := s.notes.InsertOne(ctx, bson.M{"note": note})
	return err
}

// change counts one change more of the order, after it was read, and something was done then.
func (s *shop) change(ctx context.Context, meanwhile func() error) error {
	err := s.orders.FindOne(ctx, bson.M{"_id": "order"}).Err()
	if err == nil {
		err = meanwhile()
	}
	if err == nil {
		_, err = s.orders.UpdateByID(ctx, "order", bson.M{"$inc": bson.M{"n": 1}})
	}
	return err
}

func nothing() error { return nil }

// expect compares what was committed: notes, changes of the order, and tasks of a kind.
func (s *shop) expect(notes, changes int64, of firefly.Task[string, string], tasks int) {
	s.Helper()
	n, err := s.view.db.Collection("note").CountDocuments(s.Context(), bson.M{})
	if err != nil {
		s.Fatal(err)
	}
	var order struct {
		N int64 `bson:"n"`
	}
	if err := s.view.db.Collection("order").FindOne(s.Context(), bson.M{"_id": "order"}).Decode(&order); err != nil {
		s.Fatal(err)
	}
	all, err := s.view.store.List(s.Context(), store.Filter{Names: []string{of.Name()}}, store.Page{})
	if err != nil || n != notes || order.N != changes || len(all) != tasks {
		s.Errorf("%d notes, %d changes and %d tasks, error %v; want %d, %d and %d", n, order.N, len(all), err, notes, changes, tasks)
	}
}

// transact runs fn in a transaction of the application's own, and returns how often it ran.
func (s *shop) transact(fn func(ctx context.Context, in *firefly.Client) error) (runs int, err error) {
	s.Helper()
	session, err := s.notes.Database().Client().StartSession()
	if err != nil {
		s.Fatal(err)
	}
	defer session.EndSession(s.Context())
	_, err = session.WithTransaction(within(s), func(ctx context.Context) (any, error) {
		runs++
		return nil, fn(ctx, s.client.In(s.store.In(ctx)))
	})
	return runs, err
}

var ship = firefly.Declare[string, string]("shop.ship")

// An application's document and the task about it are one transaction.
func TestApplicationTransaction(t *testing.T) {
	for name, test := range map[string]struct {
		end error
		n   int
	}{"commit": {nil, 1}, "abort": {errors.New("changed its mind"), 0}} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			runs, err := s.transact(func(ctx context.Context, in *firefly.Client) error {
				h, err := ship.Schedule(ctx, in, "order")
				if err == nil {
					err = s.write(ctx, "order")
				}
				if err != nil {
					return err
				}
				if _, unseen := h.Task(t.Context()); !errors.Is(unseen, store.ErrNotFound) {
					t.Errorf("others see the task before the commit: %v", unseen)
				}
				return test.end
			})
			if runs != 1 || !errors.Is(err, test.end) {
				t.Fatalf("%d runs, error %v", runs, err)
			}
			s.expect(int64(test.n), 0, ship, test.n)
			if counts, err := s.store.Counts(t.Context()); err != nil || len(counts) != test.n {
				t.Errorf("counts are %+v, error %v", counts, err)
			}
		})
	}
}

// A transaction that runs into another one, at the application's document or at the store's, is run again
// by the driver, and in the end has happened once.
func TestApplicationConflict(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(s *shop) error // when the first run has read something
		changes   int64
		existing  bool
	}{
		"order": {func(s *shop) error { return s.change(s.Context(), nothing) }, 2, false},
		"unique key": {func(s *shop) error {
			_, err := ship.Schedule(s.Context(), s.client, "other", firefly.Unique("key"))
			return err
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			tries := 0
			var h *firefly.Handle[string]
			runs, err := s.transact(func(ctx context.Context, in *firefly.Client) (err error) {
				err = s.change(ctx, func() error {
					if tries++; tries > 1 {
						return nil
					}
					return test.meanwhile(s)
				})
				if err == nil {
					h, err = ship.Schedule(ctx, in, "order", firefly.Unique("key"))
				}
				if err == nil {
					err = s.write(ctx, "order")
				}
				return err
			})
			if err != nil || runs != 2 || h.Existing() != test.existing {
				t.Errorf("%d runs, error %v, want two and another's task: %t", runs, err, test.existing)
			}
			s.expect(1, test.changes, ship, 1)
		})
	}
}

// Keys that are taken end no transaction: the task that holds one stands for the new one.
func TestUniqueKeysInATransaction(t *testing.T) {
	s := newShop(t)
	before, err := ship.Schedule(t.Context(), s.client, "before", firefly.Unique("key"))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := s.transact(func(ctx context.Context, in *firefly.Client) error {
		for _, step := range []struct {
			note     string
			option   firefly.ScheduleOption
			existing bool
		}{
			{"existing", firefly.Unique("key"), true}, {"replaced", firefly.UniqueReplace("key"), true},
			{"stored", firefly.Unique("another"), false}, {"replaced at once", firefly.UniqueReplace("another"), true},
		} {
			h, err := ship.Schedule(ctx, in, step.note, step.option)
			if err == nil && h.Existing() != step.existing {
				t.Errorf("%s: another task stands for it: %t", step.note, h.Existing())
			}
			if err := errors.Join(err, s.write(ctx, step.note)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || runs != 1 {
		t.Fatalf("%d runs, error %v", runs, err)
	}
	s.expect(4, 0, ship, 2)
	if got := task(t, s.store, before.ID()); string(got.Params) != `"replaced"` {
		t.Errorf("the task before has the params %s", got.Params)
	}
}

// In needs a transaction that is running.
func TestInWithoutATransaction(t *testing.T) {
	s := newShop(t)
	session, err := s.notes.Database().Client().StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(t.Context())
	over := make(chan context.Context, 1)
	if _, err := s.transact(func(ctx context.Context, _ *firefly.Client) error { over <- ctx; return s.write(ctx, "order") }); err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{
		"no session": t.Context(), "no transaction": driver.NewSessionContext(t.Context(), session), "one that is over": <-over,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ship.Schedule(ctx, s.client.In(s.store.In(ctx)), "order")
			if !errors.Is(err, store.ErrInvalid) || !store.IsDefinite(err) || !strings.Contains(err.Error(), "WithTransaction") {
				t.Errorf("error %v, want that it is invalid, and what to use", err)
			}
			s.expect(1, 0, ship, 0)
		})
	}
}
