package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/store"
)

// ClaimDue implements [store.Store].
func (s *Store) ClaimDue(ctx context.Context, c store.Claim) (tasks []store.Task, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil || c.Limit <= 0 || len(c.Names) == 0 || len(c.Queues) == 0 {
		return nil, err
	}
	lanes := s.floors.lanes(&c)
	args := []any{
		s.skew(), lanes.queues, lanes.priorities, lanes.floors, c.Names, min(c.Limit, mostItems), uuid(c.Lease), micros(c.For),
		c.Worker, s.leases.idle(),
	}
	claim := func() error {
		tasks = nil
		return s.call(ctx, func(q *session) error {
			scan := newClaimScan(&c)
			err := q.query(ctx, s.sql.claim, args, scan.row)
			tasks = scan.tasks
			return err
		})
	}
	if err = claim(); claimedBeside(err) {
		err = claim()
	}
	if err != nil {
		return nil, err
	}
	store.SortClaimed(tasks, c.Queues)
	s.floors.raise(lanes, tasks)
	s.leases.add(c.Lease, len(tasks), c.For)
	s.work.claimed(len(tasks))
	return tasks, nil
}

// claimedBeside reports whether a claim failed since the call that it repeats was still under
// way, and has committed now.
func claimedBeside(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == "lease_pkey"
}

func uuid(id store.LeaseID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }
