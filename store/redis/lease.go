package redis

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// Extend implements [store.Extender].
func (s *Store) Extend(ctx context.Context, d time.Duration, leases []store.LeaseID) ([]store.Extended, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	out := make([]store.Extended, 0, len(leases))
	var lists [][]any
	for first := 0; first < len(leases); first += mostItems {
		args := s.arguments(micros(d))
		for _, id := range leases[first:min(first+mostItems, len(leases))] {
			args = append(args, id[:])
		}
		lists = append(lists, args)
	}
	if len(lists) == 0 {
		return out, nil
	}
	answers, err := s.run(ctx, &s.scripts.extend, lists...)
	if err != nil {
		return nil, err
	}
	for _, answer := range answers {
		for _, a := range answer {
			text, _ := a.(string)
			fields := strings.Fields(text)
			if len(fields) == 0 {
				return nil, errAnswer
			}
			e := store.Extended{Lost: fields[0] == "0"}
			for _, field := range fields[1:] {
				id, err := strconv.ParseInt(field, 10, 64)
				if err != nil {
					return nil, errAnswer
				}
				e.Cancelled = append(e.Cancelled, id)
			}
			out = append(out, e)
		}
	}
	if len(out) != len(leases) {
		return nil, errAnswer
	}
	return out, nil
}
