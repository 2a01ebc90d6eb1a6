package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

const (
	sweepMost  = 1000             // tasks at a time
	leasesKept = 10 * time.Minute // when they are spent: rule 9
)

// sweep deletes what is past its retention, tells of it, and forgets leases.
func (s *Store) sweep(ctx context.Context) error {
	at, err := s.now(ctx)
	if err != nil {
		return err
	}
	for _, kept := range []struct {
		statuses []store.Status
		lasts    time.Duration
	}{
		{[]store.Status{store.Completed}, s.keepCompleted},
		{[]store.Status{store.Failed, store.Cancelled}, s.keepFailed},
	} {
		if err := s.sweepOf(ctx, kept.statuses, kept.lasts, at.early); err != nil {
			return err
		}
	}
	_, err = s.lease.DeleteMany(ctx, bson.M{"spent": bson.M{"$lte": at.early - leasesKept.Microseconds()}})
	return err
}

func (s *Store) sweepOf(ctx context.Context, statuses []store.Status, lasts time.Duration, now int64) error {
	old := bson.M{"status": bson.M{"$in": statuses}, "finished": bson.M{"$lte": now - lasts.Microseconds()}}
	total := 0
	for {
		page, err := readAll[record](ctx, s.tasks, old, options.Find().
			SetProjection(bson.M{"queue": 1, "status": 1}).SetLimit(sweepMost))
		if err != nil {
			return err
		}
		a := administration{s: s, filter: []bson.M{old}, at: instant{now, now}, tally: tally{}}
		if err = a.remove(ctx, page); err == nil {
			err = s.correct(ctx, a.tally)
		}
		if err != nil {
			return err
		}
		if total += len(a.changed); len(a.changed) == 0 {
			break
		}
	}
	if total > 0 {
		s.logger.InfoContext(ctx, "firefly: deleted tasks past their retention",
			"database", s.db.Name(), "prefix", s.prefix, "tasks", total, "statuses", statuses, "retention", lasts)
	}
	return nil
}
