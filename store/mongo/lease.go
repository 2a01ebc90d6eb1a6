package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// A leaseRecord is a lease as a document. It ends at its end, unless it is extended; from the moment
// that somebody begins to take its tasks back it cannot be. Without an end it is spent, and kept for
// a while so that a repeated claim finds it.
type leaseRecord struct {
	ID     []byte `bson:"_id"`
	Ends   int64  `bson:"ends,omitempty"`
	Ending bool   `bson:"ending,omitempty"`
	Spent  int64  `bson:"spent,omitempty"`
	Worker string `bson:"worker,omitempty"`
}

// takeBack takes the tasks of an ended lease back: a chain of steps each of which may be repeated, by
// whomever, so it does not matter where somebody stops.
func (s *Store) takeBack(ctx context.Context, l leaseRecord, now int64) error {
	marked, err := s.lease.UpdateOne(ctx, bson.M{"_id": l.ID, "ends": l.Ends}, bson.M{"$set": bson.M{"ending": true}})
	if err != nil || marked.MatchedCount == 0 { // it was extended, or all is done
		return err
	}
	s.work.doubted() // whoever claimed was perhaps killed in the middle of a write
	if err := s.free(ctx, l.ID, l.Ends, now); err != nil {
		return err
	}
	_, err = s.lease.UpdateOne(ctx, bson.M{"_id": l.ID, "ends": l.Ends}, spent(now))
	return err
}

// spent is the update of a lease that holds nothing any more.
func spent(now int64) bson.M {
	return bson.M{"$set": bson.M{"spent": now}, "$unset": bson.M{"ends": "", "ending": ""}}
}

// free makes what a lease holds due since then, with one crash more; what is to be cancelled ends.
func (s *Store) free(ctx context.Context, lease []byte, since, now int64) error {
	for all := false; !all; {
		before, err := readAll[record](ctx, s.tasks, bson.M{"lease": lease},
			options.Find().SetProjection(bson.M{"queue": 1, "cancel": 1}))
		if err != nil || len(before) == 0 {
			return err
		}
		if all, err = s.freeRead(ctx, lease, before, since, now); err != nil {
			return err
		}
	}
	return nil
}

// freeRead frees tasks as they were read, and reports whether that was all of them: not those whose
// cancellation was asked for meanwhile.
func (s *Store) freeRead(ctx context.Context, lease []byte, before []record, since, now int64) (all bool, err error) {
	mark := newMark()
	counted := tally{}
	var ending, going []int64
	for i := range before {
		counted.move(before[i].Queue, store.Running, freed(&before[i]))
		if before[i].Cancel {
			ending = append(ending, before[i].ID)
		} else {
			going = append(going, before[i].ID)
		}
	}
	var writes []mongo.WriteModel
	if len(ending) > 0 {
		writes = append(writes, mongo.NewUpdateManyModel().SetFilter(bson.M{"_id": bson.M{"$in": ending}, "lease": lease}).SetUpdate(bson.M{
			"$set":   bson.M{"status": store.Cancelled, "finished": now, "op": mark},
			"$inc":   bson.M{"crashes": 1},
			"$unset": unheld("held", "ended_by"),
		}))
	}
	if len(going) > 0 {
		writes = append(writes, mongo.NewUpdateManyModel().SetFilter(bson.M{"_id": bson.M{"$in": going}, "lease": lease, "cancel": nil}).
			SetUpdate(bson.M{
				"$set":   bson.M{"status": store.Created, "due": since, "op": mark},
				"$inc":   bson.M{"crashes": 1},
				"$unset": unheld("ended_by"),
			}))
	}
	result, err := s.tasks.BulkWrite(ctx, append(writes, counted.model()))
	s.candidates.outdate()
	if err != nil || int(result.MatchedCount) == len(before) {
		return true, err
	}
	after, err := readAll[record](ctx, s.tasks, bson.M{"_id": bson.M{"$in": append(ending, going...)}, "op": mark},
		options.Find().SetProjection(bson.M{"queue": 1, "status": 1}))
	if err != nil {
		return false, err
	}
	happened := tally{}
	for i := range after {
		to := after[i].Status
		if to != store.Cancelled {
			to = store.Created // and claimed again meanwhile
		}
		happened.move(after[i].Queue, store.Running, to)
	}
	return false, s.correct(ctx, happened.minus(counted))
}

// freed is what becomes of a task that is taken back.
func freed(r *record) store.Status {
	if r.Cancel {
		return store.Cancelled
	}
	return store.Created
}

// Extend implements [store.Extender]. It writes no task, so it never conflicts with a transaction.
func (s *Store) Extend(ctx context.Context, d time.Duration, leases []store.LeaseID) ([]store.Extended, error) {
	out := make([]store.Extended, len(leases))
	if err := s.enter(ctx); err != nil || len(leases) == 0 {
		return out, err
	}
	at, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	ctx = alone(ctx)
	ids := make([][]byte, len(leases))
	for i := range leases {
		ids[i] = leases[i][:]
	}
	open := bson.M{"_id": bson.M{"$in": ids}, "ends": bson.M{"$exists": true}, "ending": nil}
	if _, err := s.lease.UpdateMany(ctx, open, bson.M{"$max": bson.M{"ends": at.late + micros(d)}}); err != nil {
		return nil, s.inDoubt(err)
	}
	held, cancelled, err := s.heldBy(ctx, ids, open)
	if err != nil {
		return nil, s.afterwards(err)
	}
	var lasting []store.LeaseID
	for i, lease := range leases {
		out[i] = store.Extended{Lost: !held[lease], Cancelled: cancelled[lease]}
		if held[lease] {
			lasting = append(lasting, lease)
		}
	}
	s.holdings.extended(lasting, d)
	return out, nil
}

// heldBy returns which leases are open and hold anything, and what of that is to be cancelled.
func (s *Store) heldBy(ctx context.Context, ids [][]byte, open bson.M) (
	held map[store.LeaseID]bool, cancelled map[store.LeaseID][]int64, err error,
) {
	var alive []leaseRecord
	var holding []bson.Binary
	var flagged []record
	err = sideBySide([]func() error{
		func() (err error) {
			alive, err = readAll[leaseRecord](ctx, s.lease, open, options.Find().SetProjection(bson.M{"_id": 1}))
			return err
		},
		func() error {
			return s.tasks.Distinct(ctx, "lease", bson.M{"lease": bson.M{"$in": ids}}).Decode(&holding)
		},
		func() (err error) {
			flagged, err = readAll[record](ctx, s.tasks, bson.M{"lease": bson.M{"$in": ids}, "cancel": true},
				options.Find().SetProjection(bson.M{"lease": 1}).SetSort(keys("_id")))
			return err
		},
	})
	held, cancelled = map[store.LeaseID]bool{}, map[store.LeaseID][]int64{}
	holds := map[store.LeaseID]bool{}
	for _, lease := range holding {
		holds[leaseID(lease.Data)] = true
	}
	for i := range alive {
		held[leaseID(alive[i].ID)] = holds[leaseID(alive[i].ID)]
	}
	for i := range flagged {
		lease := leaseID(flagged[i].Lease)
		if held[lease] {
			cancelled[lease] = append(cancelled[lease], flagged[i].ID)
		}
	}
	return held, cancelled, err
}

func leaseID(b []byte) (id store.LeaseID) {
	copy(id[:], b)
	return id
}
