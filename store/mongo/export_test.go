package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// What is done now and then, now.
func Retire(ctx context.Context, s *Store) error { return s.retire(ctx) }
func Fold(ctx context.Context, s *Store) error   { return s.fold(ctx) }
func Mend(ctx context.Context, s *Store) error   { return s.mend(ctx) }
func Sweep(ctx context.Context, s *Store) error  { return s.sweep(ctx) }

// InDoubt and Reading are what the driver's errors become.
func InDoubt(s *Store, err error) error { return s.inDoubt(err) }
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
