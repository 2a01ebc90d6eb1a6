package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/store"
)

// leases count what this process's claims hold, to tell the next claim which of them hold nothing
// any more: settling does not touch a lease's row. It is a hint that the server checks; a lease
// that is missed here ends by itself.
type leases struct {
	mu    sync.Mutex
	held  map[store.LeaseID]*heldLease
	spent []pgtype.UUID
	swept time.Time
}

type heldLease struct {
	tasks int
	ends  time.Time // by this machine's clock, unless it is extended
}

const mostSpent = 1000 // that are remembered until the next claim

func (l *leases) add(id store.LeaseID, tasks int, lasts time.Duration) {
	if tasks == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.held == nil {
		l.held = map[store.LeaseID]*heldLease{}
	}
	l.held[id] = &heldLease{tasks, now.Add(lasts)}
	if now.Sub(l.swept) > time.Minute {
		l.swept = now
		for id, h := range l.held {
			if h.ends.Before(now) {
				delete(l.held, id)
			}
		}
	}
}

// settled notes that each of the leases holds a task less.
func (l *leases) settled(ids []store.LeaseID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		h := l.held[id]
		if h == nil {
			continue
		}
		if h.tasks--; h.tasks > 0 {
			continue
		}
		delete(l.held, id)
		if len(l.spent) < mostSpent {
			l.spent = append(l.spent, uuid(id))
		}
	}
}

// idle returns the leases that seem to hold nothing any more, once.
func (l *leases) idle() []pgtype.UUID {
	l.mu.Lock()
	defer l.mu.Unlock()
	spent := l.spent
	l.spent = nil
	if spent == nil {
		spent = []pgtype.UUID{}
	}
	return spent
}

// Extend implements [store.Extender].
func (s *Store) Extend(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	out := make([]store.Extended, len(ids))
	args := make([]pgtype.UUID, len(ids))
	alive := map[store.LeaseID][]int64{}
	for i, id := range ids {
		args[i] = uuid(id)
	}
	if len(ids) == 0 {
		return out, nil
	}
	err := s.call(ctx, func(q *session) error {
		return q.query(ctx, s.sql.extend, []any{s.skew(), micros(d), args}, func(r scanner) error {
			var id pgtype.UUID
			var cancelled []int64
			err := r.Scan(&id, &cancelled)
			alive[id.Bytes] = cancelled
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		cancelled, ok := alive[id]
		out[i] = store.Extended{Lost: !ok, Cancelled: cancelled}
	}
	return out, nil
}
