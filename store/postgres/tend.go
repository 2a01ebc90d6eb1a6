package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A workload is what this process did since it last tended the tables.
type workload struct {
	claims atomic.Int64 // of tasks, since the last vacuum
	calls  atomic.Int64 // since the last folding
}

func (w *workload) wrote() { w.calls.Add(1) }

func (w *workload) claimed(tasks int) {
	if tasks > 0 {
		w.claims.Add(int64(tasks))
		w.wrote()
	}
}

const (
	tendEvery       = time.Second      // how often it is seen what is to be done
	vacuumAfter     = 100_000          // claimed tasks
	vacuumEvery     = time.Minute      // if fewer are claimed
	partitionsEvery = time.Hour        // also when nothing is claimed
	tendTimeout     = 10 * time.Minute // for the longest statement, a vacuum
)

// tend keeps the tables in order, until the store is closed. Each process does it in proportion
// to what it does. That something fails is no matter: it is done the next time.
func (s *Store) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	var vacuumed, partitioned time.Time
	vacuumed = time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if s.work.calls.Swap(0) > 0 {
			s.tell(ctx, "add up counts", s.fold(ctx))
		}
		claims := s.work.claims.Load()
		if claims >= vacuumAfter || claims > 0 && now.Sub(vacuumed) > vacuumEvery {
			s.work.claims.Add(-claims)
			vacuumed = now
			s.tell(ctx, "vacuum", s.vacuum(ctx))
		}
		if now.Sub(partitioned) > partitionsEvery {
			partitioned = now
			s.tell(ctx, "make partitions", s.makePartitions(ctx))
			s.tell(ctx, "drop partitions", s.dropPartitions(ctx))
		}
	}
}

// tell logs what housekeeping could not do.
func (s *Store) tell(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.logger.WarnContext(ctx, "firefly: housekeeping failed", "what", what, "schema", s.schema, "error", err)
	}
}

func (s *Store) exec(ctx context.Context, text string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, tendTimeout)
	defer cancel()
	return s.callOnce(ctx, func(q *session) error {
		return q.query(ctx, inSchema(text, s.schema), args, func(scanner) error { return nil })
	})
}

func (s *Store) fold(ctx context.Context) error {
	return s.exec(ctx, "SELECT firefly.fold_1($1)", s.skew())
}

// vacuum clears away what claims leave: a minute of them, unswept, slows the next ones down. It
// skips what somebody else is vacuuming.
func (s *Store) vacuum(ctx context.Context) error {
	return s.exec(ctx, "VACUUM (SKIP_LOCKED, TRUNCATE FALSE, INDEX_CLEANUP ON) "+
		"firefly.ready, firefly.task, firefly.lease, firefly.spent, firefly.tally, firefly.total, firefly.cancel")
}

func (s *Store) makePartitions(ctx context.Context) error {
	return s.exec(ctx, "SELECT firefly.make_partitions_1(clock_timestamp() + $1::bigint * interval '1 microsecond')", s.skew())
}

// dropPartitions drops what is past its retention, and says so.
func (s *Store) dropPartitions(ctx context.Context) error {
	for tree, keep := range map[string]time.Duration{"completed": s.keepCompleted, "failed": s.keepFailed} {
		for {
			part, tasks, err := s.dropPartition(ctx, tree, keep)
			if err != nil {
				return err
			}
			if part == "" {
				break
			}
			s.logger.InfoContext(ctx, "firefly: dropped tasks past their retention",
				"partition", pgx.Identifier{s.schema, part}.Sanitize(), "tasks", tasks, "retention", keep)
		}
	}
	return nil
}

func (s *Store) dropPartition(ctx context.Context, tree string, keep time.Duration) (part string, tasks int64, err error) {
	const text = `SELECT coalesce(part, ''), coalesce(tasks, 0)
		FROM firefly.drop_partition_1($1, clock_timestamp() + ($2::bigint - $3::bigint) * interval '1 microsecond')`
	err = s.callOnce(ctx, func(q *session) error {
		return q.query(ctx, inSchema(text, s.schema), []any{tree, s.skew(), keep.Microseconds()}, func(r scanner) error {
			return r.Scan(&part, &tasks)
		})
	})
	return part, tasks, err
}
