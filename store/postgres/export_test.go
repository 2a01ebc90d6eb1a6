package postgres

import (
	"context"
	"errors"
)

// Housekeep does now what is done now and then.
func Housekeep(ctx context.Context, s *Store) error {
	return errors.Join(s.fold(ctx), s.vacuum(ctx), s.makePartitions(ctx), s.dropPartitions(ctx))
}
