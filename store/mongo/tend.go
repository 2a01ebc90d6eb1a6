package mongo

import (
	"context"
	"sync/atomic"
	"time"
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
