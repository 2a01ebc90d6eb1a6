package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

const (
	mostCounted = 10_000 // tasks that are read only to count them
	sampleSize  = 5
)

// runFilter shows what matches, and changes it if it is told to.
func (j *job) runFilter(f store.Filter, flags actionFlags) error {
	lister, err := need[store.Lister](j.store, "Lister")
	if err != nil {
		return err
	}
	count, sample, err := j.look(lister, f)
	if err != nil {
		return err
	}
	j.summary.Matched, j.summary.MatchedAtLeast = count.n, count.more
	acts := flags.yes && !flags.dryRun
	j.summary.DryRun = !acts
	if err := j.preview(sample); err != nil {
		return err
	}
	switch {
	case acts && count.n > 0:
		return j.end(j.walk(lister, f))
	case count.n > 0 && !flags.dryRun:
		return usagef("nothing was %s: add --yes to %s %s", j.action.past, j.action.verb, count.tasks())
	case count.n > 0 && !j.json:
		const text = "nothing was %s: give --yes, and not --dry-run, to %s them\n"
		_, err = fmt.Fprintf(j.cmd.OutOrStdout(), text, j.action.past, j.action.verb)
	}
	return err
}

// A taskCount is a number of tasks, and whether there are more.
type taskCount struct {
	n    int64
	more bool
}

func (j *job) count() taskCount { return taskCount{j.summary.Matched, j.summary.MatchedAtLeast} }

func (c taskCount) String() string {
	if c.more {
		return "more than " + grouped(c.n)
	}
	return grouped(c.n)
}

func (c taskCount) tasks() string {
	if c.more {
		return "more than " + someTasks(c.n)
	}
	return someTasks(c.n)
}

// look counts the tasks that match and takes the first ones.
func (j *job) look(lister store.Lister, f store.Filter) (c taskCount, sample []*store.Task, err error) {
	ctx := j.cmd.Context()
	known, cheap, err := cheapCount(ctx, j.store, f)
	if err != nil {
		return c, nil, orInterrupted(ctx, err)
	}
	page := store.Page{Limit: pageSize}
	if cheap {
		page.Limit = sampleSize
	}
	for t, err := range matching(ctx, lister, f, page) {
		if err != nil {
			return c, nil, err
		}
		if c.more = c.n == mostCounted; c.more {
			break
		}
		if c.n++; c.n <= sampleSize {
			sample = append(sample, t)
		}
		if cheap && c.n == sampleSize {
			break
		}
	}
	if cheap {
		c.n = max(known, c.n)
	}
	return c, sample, nil
}

// cheapCount counts the tasks that match by the numbers that the store maintains, if f asks for
// statuses and queues only.
func cheapCount(ctx context.Context, s store.Store, f store.Filter) (n int64, ok bool, err error) {
	counter, ok := store.As[store.Counter](s)
	if !ok || f.IDs != nil || f.Names != nil || f.ErrorText != "" || f.OlderThan != 0 {
		return 0, false, nil
	}
	queues, err := counter.Counts(ctx)
	for _, q := range queues {
		if f.Queues != nil && !slices.Contains(f.Queues, q.Queue) {
			continue
		}
		of := map[store.Status]int64{store.Created: q.Created, store.Running: q.Running,
			store.Completed: q.Completed, store.Failed: q.Failed, store.Cancelled: q.Cancelled}
		for _, status := range f.Statuses {
			n += of[status]
		}
	}
	return n, true, err
}

func (j *job) preview(sample []*store.Task) error {
	out, count := j.cmd.OutOrStdout(), j.count()
	switch {
	case j.json && (j.summary.DryRun || count.n == 0):
		return printJSON(out, j.summary)
	case j.json:
		return nil
	}
	leftOut := ""
	if len(j.leftOut) > 0 {
		leftOut = fmt.Sprintf(" (without the %s ones, which cannot be %s)", anyOf(j.leftOut), j.action.past)
	}
	if count.n == 0 {
		_, err := fmt.Fprintf(out, "no task matches%s\n", leftOut)
		return err
	}
	first := ""
	if count.n > int64(len(sample)) {
		first = fmt.Sprintf(", the first %d are", len(sample))
	}
	if _, err := fmt.Fprintf(out, "%s to %s%s%s:\n", count.tasks(), j.action.verb, leftOut, first); err != nil {
		return err
	}
	t := newTaskTable()
	for _, task := range sample {
		t.addTask(task)
	}
	return t.print(out, wantsColor(out))
}
