package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

// A surroundings is what decides, beside the task itself, whether a task runs.
type surroundings struct {
	program string
	now     time.Time
	paused  []string
	queues  map[string]store.QueueCounts // nil if the store does not count
}

// lookAround reads what the reasons of tasks that are not over need, as far as the store has it.
func lookAround(cmd *cobra.Command, s store.Store, tasks []store.Task) (*surroundings, error) {
	around := &surroundings{program: cmd.Root().CommandPath(), now: time.Now()}
	if !slices.ContainsFunc(tasks, func(t store.Task) bool { return t.Status == store.Created }) {
		return around, nil
	}
	err := errors.Join(around.readPaused(cmd.Context(), s), around.readCounts(cmd.Context(), s))
	return around, orInterrupted(cmd.Context(), err)
}

func (a *surroundings) readPaused(ctx context.Context, s store.Store) (err error) {
	if pauser, ok := store.As[store.Pauser](s); ok {
		a.paused, err = pauser.Paused(ctx)
	}
	return err
}

func (a *surroundings) readCounts(ctx context.Context, s store.Store) error {
	counter, ok := store.As[store.Counter](s)
	if !ok {
		return nil
	}
	counts, err := counter.Counts(ctx)
	a.queues = map[string]store.QueueCounts{}
	for _, c := range counts {
		a.queues[c.Queue] = c
	}
	return err
}

// reasons says why a task does not run, or what holds it. Times are compared with this machine's
// clock, as stores do not tell theirs: the text names the time, so that people can judge.
func (a *surroundings) reasons(t *store.Task) []string {
	switch t.Status {
	case store.Created:
		return a.reasonsToWait(t)
	case store.Running:
		return a.reasonsToHold(t)
	case store.Failed, store.Cancelled:
		return []string{fmt.Sprintf("it is over: %q makes it due again", fmt.Sprintf("%s tasks retry %d", a.program, t.ID))}
	case store.Completed:
	}
	return nil
}

func (a *surroundings) reasonsToWait(t *store.Task) (reasons []string) {
	paused := slices.Contains(a.paused, t.Queue)
	if paused {
		reasons = append(reasons, fmt.Sprintf("its queue is paused: %q lets it go on", a.program+" queues resume"))
	}
	switch {
	case t.Due.After(a.now) && t.Retries > 0:
		reasons = append(reasons, "it waits for its retry at "+instant(t.Due))
	case t.Due.After(a.now):
		reasons = append(reasons, "it waits until it is due at "+instant(t.Due))
	case !paused:
		reasons = append(reasons, "it is due, and waits for a worker"+a.line(t))
	}
	if t.Crashes >= 2 { // the engine's rule, whatever the worker
		reasons = append(reasons, fmt.Sprintf("it crashed %d times, so it waits until its worker runs nothing else", t.Crashes))
	}
	return reasons
}

// line tells of the tasks that wait beside t.
func (a *surroundings) line(t *store.Task) string {
	switch queue, counted := a.queues[t.Queue]; {
	case !counted:
		return ""
	case queue.Running == 0:
		return ": none of its queue's tasks runs, so there may be no worker for the queue, or none that knows " + t.Name
	default:
		return fmt.Sprintf(": in its queue %s wait, due or not, and %s run", grouped(queue.Created), grouped(queue.Running))
	}
}

func (a *surroundings) reasonsToHold(t *store.Task) (reasons []string) {
	if t.LeaseEnd.After(a.now) {
		reasons = append(reasons, "it is held by worker "+t.Worker+" until "+instant(t.LeaseEnd)+", if that is not prolonged")
	} else {
		reasons = append(reasons, "it was held by worker "+t.Worker+" until "+instant(t.LeaseEnd)+": the next claim takes it back")
	}
	if t.CancelRequested {
		reasons = append(reasons, "it was asked to end: its worker hears of it, at the latest when it prolongs the lease")
	}
	return reasons
}
