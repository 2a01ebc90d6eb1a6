package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// ClaimDue implements [store.Store]. It claims by parts, each a script; all are of one lease.
func (s *Store) ClaimDue(ctx context.Context, c store.Claim) ([]store.Task, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil || c.Limit <= 0 || len(c.Names) == 0 || len(c.Queues) == 0 {
		return nil, err
	}
	lanes := lanesOf(c.Queues)
	tasks := make([]store.Task, 0, min(c.Limit, mostItems))
	for goesOn := false; len(tasks) < c.Limit; goesOn = true {
		most := min(c.Limit-len(tasks), mostItems)
		args := s.arguments(most, c.Lease[:], micros(c.For), c.Worker, flag(goesOn), len(lanes))
		for _, l := range lanes {
			args = append(args, l)
		}
		names := strings.Join(c.Names, "\x00")
		args = append(args, s.skips.of(names, lanes)...)
		for _, n := range c.Names {
			args = append(args, n)
		}
		answers, err := s.run(ctx, &s.scripts.claim, args)
		if err != nil {
			if goesOn {
				return nil, unknown{err} // what was claimed before is held
			}
			return nil, err
		}
		repeat, n, err := readClaim(answers[0], &c, &tasks)
		if err != nil {
			return nil, unknown{err}
		}
		skip, _ := answers[0][2].(string)
		s.skips.set(names, lanes, strings.Fields(skip))
		if repeat || n < most {
			break
		}
	}
	if len(tasks) > 0 {
		s.work.Add(1)
	}
	store.SortClaimed(tasks, c.Queues)
	return tasks, nil
}

// lanesOf returns the lanes of queues, each once, in the order to claim from.
func lanesOf(queues []string) []string {
	var lanes []string
	for priority := store.MaxPriority; priority >= store.MinPriority; priority-- {
		seen := make(map[string]bool, len(queues))
		for _, queue := range queues {
			if !seen[queue] {
				lanes = append(lanes, lane(queue, priority))
			}
			seen[queue] = true
		}
	}
	return lanes
}

// readClaim reads what the script answered, and adds the tasks to those before.
func readClaim(answer []any, c *store.Claim, tasks *[]store.Task) (repeat bool, n int, err error) {
	if len(answer) < 3 || len(answer)%3 != 0 {
		return false, 0, errAnswer
	}
	end, _ := answer[0].(string)
	leaseEnd, err := parseMicros(end)
	if err != nil {
		return false, 0, fmt.Errorf("%w: the lease's end: %w", errAnswer, err)
	}
	again, _ := answer[1].(string)
	kind, rest, _ := strings.Cut(again, " ")
	repeat = kind == "1"
	cancelled := strings.Fields(rest) // of a repeat
	for a := 3; a < len(answer); a += 3 {
		id, _ := answer[a].(string)
		state, _ := answer[a+1].(string)
		record, _ := answer[a+2].(string)
		t := store.Task{Status: store.Running, Lease: c.Lease, LeaseEnd: leaseEnd, Worker: c.Worker}
		if t.ID, err = parseID(id); err == nil {
			err = readRecord(&t, record, state)
		}
		if err != nil {
			return false, 0, fmt.Errorf("task %s: %w", id, err)
		}
		t.CancelRequested = slices.Contains(cancelled, strconv.FormatInt(t.ID, 10))
		*tasks = append(*tasks, t)
		n++
	}
	return repeat, n, nil
}

// skips are how many tasks of other names lie in front of each lane, as far as a claim has looked that
// did not get through: the next one goes on there.
type skips struct {
	mu  sync.Mutex
	all map[[2]string]int // by names and lane; most are none
}

func (s *skips) of(names string, lanes []string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	skip := make([]any, len(lanes))
	for i, l := range lanes {
		skip[i] = s.all[[2]string{names, l}]
	}
	return skip
}

func (s *skips) set(names string, lanes, skip []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, text := range skip {
		n, err := strconv.Atoi(text)
		switch key := [2]string{names, lanes[i]}; {
		case err != nil || n == 0:
			delete(s.all, key)
		default:
			if s.all == nil {
				s.all = map[[2]string]int{}
			}
			s.all[key] = n
		}
	}
}
