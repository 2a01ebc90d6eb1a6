package redis

import (
	"context"
	"strconv"
	"time"
)

const (
	tendEvery = 5 * time.Second
	sweepMost = 1000 // ids that one script looks at
)

// tend deletes what is past its retention, until the store is closed; each process does so while it has
// work itself. That it fails is no matter: it is done the next time.
func (s *Store) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.work.Swap(0) == 0 {
			continue
		}
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "firefly: housekeeping failed", "namespace", s.namespace, "error", err)
		}
	}
}

// sweep deletes all that is past its retention, and says so.
func (s *Store) sweep(ctx context.Context) error {
	total := 0
	for more := true; more; {
		answers, err := s.run(ctx, &s.scripts.sweep,
			s.arguments(s.keepCompleted.Microseconds(), s.keepFailed.Microseconds(), sweepMost))
		if err != nil {
			return err
		}
		deleted, again, err := readSweep(answers[0])
		if err != nil {
			return err
		}
		total += deleted
		more = again
	}
	if total > 0 {
		s.logger.InfoContext(ctx, "firefly: deleted tasks past their retention", "namespace", s.namespace, "tasks", total)
	}
	return nil
}

func readSweep(answer []any) (deleted int, more bool, err error) {
	if len(answer) != 2 {
		return 0, false, errAnswer
	}
	text, _ := answer[0].(string)
	deleted, err = strconv.Atoi(text)
	return deleted, answer[1] == "1", err
}
