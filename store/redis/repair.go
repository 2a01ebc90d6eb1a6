package redis

import (
	"context"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
)

// Repair rebuilds the indexes of the namespace from its records, and returns how many entries it
// mended: after a server dropped keys that it should have kept, or somebody deleted some. A task whose
// record is left is where it belongs afterwards: it waits, unless a lease holds it or it has ended. It
// may be called while others work, and again if it ends with an error. At the end the server stands
// still while counts are taken anew: some seconds for a million finished tasks.
func (s *Store) Repair(ctx context.Context) (mended int, err error) {
	part := func(args ...any) error {
		answers, err := s.run(ctx, &s.scripts.repair, s.arguments(args...))
		if err != nil {
			return err
		}
		if len(answers[0]) != 1 {
			return errAnswer
		}
		n, _ := answers[0][0].(int64)
		mended += int(n)
		return nil
	}
	if err := part("start"); err != nil {
		return mended, err
	}
	sets, lanes, err := s.indexes(ctx)
	if err != nil {
		return mended, err
	}
	for _, set := range sets {
		if err := part("lease", set.lease, set.lane); err != nil {
			return mended, err
		}
	}
	for _, lane := range lanes {
		if err := part("lane", lane); err != nil {
			return mended, err
		}
	}
	err = s.shards(ctx, 0, false, func(ids []int64) (bool, error) {
		for some := range slices.Chunk(ids, mostItems) {
			args := []any{"tasks"}
			for _, id := range some {
				args = append(args, idText(id))
			}
			if err := part(args...); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return mended, err
	}
	return mended, part("count")
}

// A heldSet names the set in which a lease holds the tasks of a lane.
type heldSet struct{ lease, lane string }

// indexes finds the sets of leases and the lanes that there are.
func (s *Store) indexes(ctx context.Context) (sets []heldSet, lanes []string, err error) {
	err = s.reading(ctx, func(node *goredis.Client) error {
		sets, lanes = nil, nil
		prefix := s.key("")
		keys := node.Scan(ctx, 0, prefix+"[dl]:*", 1000).Iterator()
		for keys.Next(ctx) {
			name := strings.TrimPrefix(keys.Val(), prefix)
			if lane, ok := strings.CutPrefix(name, "d:"); ok {
				lanes = append(lanes, lane)
				continue
			}
			const lease = len(store.LeaseID{})
			if name = strings.TrimPrefix(name, "l:"); len(name) > lease+1 {
				sets = append(sets, heldSet{name[:lease], name[lease+1:]})
			}
		}
		return keys.Err()
	})
	return sets, lanes, err
}
