package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// mostTakenBack is how many ended leases one claim takes back.
const mostTakenBack = 100

// takeBack makes the tasks of ended leases due since their lease's end.
func (q *session) takeBack() error {
	type ended struct {
		id   []byte
		ends int64
	}
	var leases []ended
	err := q.query("ended_leases.sql", []any{q.at, mostTakenBack}, func(rows *sql.Rows) error {
		var l ended
		err := rows.Scan(&l.id, &l.ends)
		leases = append(leases, l)
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range leases {
		var tasks []heldTask
		err := q.query("held_by.sql", []any{l.id}, func(rows *sql.Rows) error {
			var t heldTask
			err := rows.Scan(&t.id, &t.queue, &t.priority, &t.name, &t.due, &t.errors, &t.cancel)
			tasks = append(tasks, t)
			return err
		})
		if err != nil {
			return err
		}
		for i := range tasks {
			if err := q.wait(&tasks[i], waiting{due: l.ends, crashes: 1}); err != nil {
				return err
			}
		}
		if err := q.exec("UPDATE firefly_lease SET open = 0 WHERE id = ?", l.id); err != nil {
			return err
		}
	}
	return nil
}

// Extend implements [store.Extender].
func (s *Store) Extend(ctx context.Context, d time.Duration, leases []store.LeaseID) ([]store.Extended, error) {
	out := make([]store.Extended, len(leases))
	err := s.inWrite(ctx, func(q *session) error {
		for i, id := range leases {
			held, err := q.execCount("extend.sql", q.at+micros(d), id[:])
			if err != nil {
				return err
			}
			out[i] = store.Extended{Lost: held == 0}
			err = q.query("SELECT task FROM firefly_running WHERE lease = ? AND cancel = 1", []any{id[:]}, func(rows *sql.Rows) error {
				var task int64
				err := rows.Scan(&task)
				out[i].Cancelled = append(out[i].Cancelled, task)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Housekeeping runs with a claim now and then, and does a bounded part of the work.
const (
	cleanEvery = time.Second
	cleanRows  = 500
)

// clean deletes finished tasks past their retention, and leases that nobody asks for any more.
// That it fails is no matter: the next one does the work.
func (s *Store) clean(ctx context.Context) {
	last, now := s.cleaned.Load(), s.now()
	if now-last < micros(cleanEvery) || !s.cleaned.CompareAndSwap(last, now) {
		return
	}
	_ = s.inWrite(ctx, func(q *session) error {
		err := q.exec("DELETE FROM firefly_lease WHERE id IN (SELECT id FROM firefly_lease WHERE open = 0 AND ends < ? LIMIT ?)",
			q.at-leastRetention.Microseconds(), cleanRows)
		if err != nil {
			return err
		}
		return q.remove("WHERE finished < ? ORDER BY finished LIMIT ?", q.at-s.retention.Microseconds(), cleanRows)
	})
}
