package mongo

import (
	"context"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// A workload is what this process did since it last tended the collections.
type workload struct {
	calls  atomic.Int64 // that wrote
	claims atomic.Int64 // also those that found nothing
	doubts atomic.Int64
}

func (w *workload) wrote()   { w.calls.Add(1) }
func (w *workload) claimed() { w.claims.Add(1) }
func (w *workload) doubted() { w.doubts.Add(1) }

const (
	tendEvery    = time.Second      // how often it is seen what is to be done
	mendEvery    = 10 * time.Second // what a process has left behind that was killed at a bad moment
	recountAfter = 10 * time.Second // a call whose outcome is unknown, or a try while tasks were changing
	recountShare = 20
	sweepEvery   = 10 * time.Second
	sweepMost    = 1000
	leasesKept   = 10 * time.Minute // when they are spent: rule 9
)

// tend keeps the collections in order, until the store is closed; each process does so while it writes,
// or claims, be it that it finds nothing. That something fails is no matter: it is done the next time.
func (s *Store) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	var mended, swept, recount time.Time // the last is when to, if at all
	worked := false
	for {
		select {
		case <-ctx.Done():
			s.leave(ctx)
			return
		case <-tick.C:
		}
		now := time.Now()
		if s.work.calls.Swap(0) > 0 {
			worked = true
			s.tell(ctx, "tidy up leases", s.retire(ctx))
			s.tell(ctx, "add up counts", s.fold(ctx))
		}
		worked = worked || s.work.claims.Swap(0) > 0
		if worked && now.Sub(mended) > mendEvery {
			mended = now
			s.tell(ctx, "mend", s.mend(ctx))
		}
		if worked && now.Sub(swept) > sweepEvery {
			swept, worked = now, false
			s.tell(ctx, "delete by retention", s.sweep(ctx))
		}
		if s.work.doubts.Swap(0) > 0 && recount.IsZero() {
			recount = now.Add(recountAfter)
		}
		if !recount.IsZero() && now.After(recount) {
			done, took, err := s.recount(ctx)
			s.tell(ctx, "recount", err)
			recount = time.Time{}
			if !done { // it may take long, and must not take all the time
				recount = time.Now().Add(recountAfter + recountShare*took)
			}
		}
	}
}

// leaveTimeout bounds what is done when the store is closed.
const leaveTimeout = time.Second

// leave tidies up what nobody else knows of.
func (s *Store) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_ = s.retire(ctx) // otherwise the leases end by themselves
}

// tell logs what housekeeping could not do.
func (s *Store) tell(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.logger.WarnContext(ctx, "firefly: housekeeping failed", "what", what,
			"database", s.db.Name(), "prefix", s.prefix, "error", s.explain(err))
	}
}

// retire marks the leases as spent of which this process believes that they hold nothing, if so.
func (s *Store) retire(ctx context.Context) error {
	idle := s.holdings.idle()
	if len(idle) == 0 {
		return nil
	}
	at, err := s.now(ctx)
	if err != nil {
		return err
	}
	ids := make([][]byte, len(idle))
	for i := range idle {
		ids[i] = idle[i][:]
	}
	still, err := readAll[record](ctx, s.tasks, bson.M{"lease": bson.M{"$in": ids}}, options.Find().SetProjection(bson.M{"lease": 1}))
	if err != nil {
		return err
	}
	holding := [][]byte{}
	for i := range still {
		holding = append(holding, still[i].Lease)
	}
	_, err = s.lease.UpdateMany(ctx, bson.M{"_id": bson.M{"$in": ids, "$nin": holding}, "ends": bson.M{"$exists": true}}, spent(at.early))
	return err
}

// mend takes back what no lease holds that can end: a claim that was stopped for as long as its lease
// lasted, before it took the tasks, took them too late. And it stores children whose parent's process
// died before it could.
func (s *Store) mend(ctx context.Context) error {
	at, err := s.now(ctx)
	if err != nil {
		return err
	}
	var holding []bson.Binary
	if err := s.tasks.Distinct(ctx, "lease", bson.M{"lease": bson.M{"$exists": true}}).Decode(&holding); err != nil {
		return err
	}
	for _, lease := range holding {
		var l leaseRecord
		found, err := readAll[leaseRecord](ctx, s.lease, bson.M{"_id": lease.Data})
		if err != nil {
			return err
		}
		if len(found) > 0 {
			l = found[0]
		}
		if l.Ends == 0 && at.early-l.Spent > mendEvery.Microseconds() {
			if err := s.free(ctx, lease.Data, at.early, at.early); err != nil {
				return err
			}
		}
	}
	return s.deliver(ctx, at.early-mendEvery.Microseconds())
}

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
	old := []bson.M{{"status": bson.M{"$in": statuses}, "finished": bson.M{"$lte": now - lasts.Microseconds()}}}
	total := 0
	for {
		page, err := readAll[record](ctx, s.tasks, old[0], options.Find().
			SetProjection(bson.M{"queue": 1, "status": 1}).SetLimit(sweepMost))
		if err != nil {
			return err
		}
		a := administration{s: s, filter: old, now: now, tally: tally{}}
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
