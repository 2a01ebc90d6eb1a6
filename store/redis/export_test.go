package redis

import "context"

// Sweep does now what is done now and then.
func Sweep(ctx context.Context, s *Store) error { return s.sweep(ctx) }
