package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/store"
)

// What is done now and then, now.
func Retire(ctx context.Context, s *Store) error { return s.retire(ctx) }
func Fold(ctx context.Context, s *Store) error   { return s.fold(ctx) }
func Mend(ctx context.Context, s *Store) error   { return s.mend(ctx) }
func Sweep(ctx context.Context, s *Store) error  { return s.sweep(ctx) }

// InDoubt, InTx and Reading are what the driver's errors become.
func InDoubt(s *Store, err error) error { return s.inDoubt(err) }
func InTx(s *Store, err error) error    { return s.explainInTx(err) }
func Reading(s *Store, err error) error { return s.reading(err) }

// Hear listens until there is nothing to be heard.
func Hear(ctx context.Context, s *Store) { s.hear(ctx) }

// Heard takes what a change stream, by the pipeline Changes, would bring.
func Heard(s *Store, raw bson.Raw) error {
	var event changeEvent
	err := bson.Unmarshal(raw, &event)
	if err == nil {
		s.heard(&event)
	}
	return err
}

func Changes() []bson.M { return changes() }

// Tasks are the documents of tasks, and of tallies; Leases those of leases.
func Tasks(s *Store) *mongo.Collection  { return s.tasks }
func Leases(s *Store) *mongo.Collection { return s.lease }

// Crowd has claims believe in so many others, as a power of two; Level is in how many they do.
func Crowd(s *Store, level int) {
	c := &s.candidates.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw(level)
}

func Level(s *Store) int { return s.candidates.crowd.now().level }

// Correct counts a task more of a queue, as a recount does that began when there had been so many.
func Correct(ctx context.Context, s *Store, queue string, recounts int64) (done bool, err error) {
	by := tally{}
	by.add(queue, store.Created, 1)
	return s.correctTotal(ctx, by, recounts)
}

// Unstick has the next claim try again to take back what could not be.
func Unstick(s *Store) {
	s.stuck.mu.Lock()
	defer s.stuck.mu.Unlock()
	clear(s.stuck.all)
}

// Conflicted is what a handler's transaction says of an error of the driver.
func Conflicted(err error) bool { return (&tx{}).Conflicted(err) }
