package mongo

import (
	"context"
	"sync"
	"time"
)

// stuckLeases are ended leases whose tasks could not be taken back in time: a worker may have died in a
// transaction, which the server keeps open for a minute, and with it all writes to its task. Claims must
// not wait for that.
type stuckLeases struct {
	mu  sync.Mutex
	all map[string]stuckLease
}

type stuckLease struct {
	since time.Time // of the last try
	tries int
}

const (
	takeBackPatience = 500 * time.Millisecond // of the first try; each later one has twice as much
	takeBackMost     = 8 * time.Second
	stuckFor         = 5 * time.Second // until the next try
	stuckForgotten   = time.Minute     // without a try: another process has taken it back
)

// ids returns those that are not to be tried now.
func (s *stuckLeases) ids() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := [][]byte{}
	for id, l := range s.all {
		switch age := time.Since(l.since); {
		case age < stuckFor:
			ids = append(ids, []byte(id))
		case age > stuckForgotten:
			delete(s.all, id)
		}
	}
	return ids
}

// patience is how long the next try to take a lease back may take.
func (s *stuckLeases) patience(id []byte) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(takeBackPatience<<s.all[string(id)].tries, takeBackMost)
}

// tried notes how a try ended.
func (s *stuckLeases) tried(id []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.all, string(id))
		return
	}
	if s.all == nil {
		s.all = map[string]stuckLease{}
	}
	s.all[string(id)] = stuckLease{time.Now(), s.all[string(id)].tries + 1}
}

// takeBackAll takes back what can be taken back now. Its error is that of ctx.
func (s *Store) takeBackAll(ctx context.Context, ended []leaseRecord, now int64) error {
	for _, l := range ended {
		within, cancel := context.WithTimeout(ctx, s.stuck.patience(l.ID))
		err := s.takeBack(within, l, now)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.stuck.tried(l.ID, err); err != nil {
			s.logger.WarnContext(ctx, "firefly: the tasks of a lease that ended could not be taken back yet",
				"database", s.db.Name(), "prefix", s.prefix, "worker", l.Worker, "error", s.explain(err))
		}
	}
	return nil
}
