package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

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
	ids := make([][]byte, len(holding))
	for i := range holding {
		ids[i] = holding[i].Data
	}
	found, err := readAll[leaseRecord](ctx, s.lease, bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return err
	}
	leases := make(map[string]leaseRecord, len(found))
	for _, l := range found {
		leases[string(l.ID)] = l
	}
	for _, id := range ids {
		l := leases[string(id)] // nothing, if it is not there any more
		if l.Ends == 0 && at.early-l.Spent > mendEvery.Microseconds() {
			if err := s.free(ctx, id, at.early, at.early); err != nil {
				return err
			}
		}
	}
	return s.deliver(ctx, at.early-mendEvery.Microseconds())
}
