package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

const batchSize = 1000 // tasks that are changed at a time

// A job is one run of an action.
type job struct {
	cmd    *cobra.Command
	store  store.Store
	action action
	do     act
	json   bool

	leftOut []store.Status // that were asked for, but the action passes over
	summary summary
	refused store.BatchError
}

// A summary is what is printed of a job.
type summary struct {
	Action         string    `json:"action"`
	Matched        int64     `json:"matched"`
	MatchedAtLeast bool      `json:"matched_at_least,omitempty"` // it was not counted to the end
	Changed        int64     `json:"changed"`
	Asked          int64     `json:"asked,omitempty"` // of those changed: they run, and were asked to end
	Refused        []refusal `json:"refused"`
	DryRun         bool      `json:"dry_run"`
}

type refusal struct {
	ID    int64  `json:"id"`
	Error string `json:"error"`
}

// runIDs changes tasks by their ids, and answers for each that it did not change.
func (j *job) runIDs(ids []int64) error {
	j.summary.Matched = int64(len(ids))
	for some := range slices.Chunk(ids, batchSize) {
		if j.cmd.Context().Err() != nil {
			return j.end(errInterrupted)
		}
		left, err := j.batch(store.Filter{IDs: some})
		if err == nil {
			err = j.answer(left)
		}
		if err != nil {
			return j.end(err)
		}
	}
	return j.end(nil)
}

// batch changes the tasks that match f, to the end even if a signal comes, and returns which of f.IDs
// were neither changed nor refused.
func (j *job) batch(f store.Filter) (left []int64, err error) {
	ctx, cancel := bounded(j.cmd.Context())
	defer cancel()
	changed, err := j.do(ctx, f)
	j.summary.Changed += int64(len(changed))
	answered := slices.Clone(changed)
	var refused *store.BatchError
	if errors.As(err, &refused) {
		for _, r := range refused.Refused {
			j.refuse(r.ID, explain(r.Err))
			answered = append(answered, r.ID)
		}
		err = nil
	}
	if err == nil && len(changed) > 0 && slices.Contains(j.action.from, store.Running) {
		err = j.countAsked(changed)
	}
	slices.Sort(answered)
	return slices.DeleteFunc(slices.Clone(f.IDs), func(id int64) bool {
		_, found := slices.BinarySearch(answered, id)
		return found
	}), err
}

// countAsked counts the tasks that still run although they were cancelled.
func (j *job) countAsked(changed []int64) error {
	lister, ok := store.As[store.Lister](j.store)
	if !ok {
		return nil
	}
	ctx, cancel := bounded(j.cmd.Context())
	defer cancel()
	running := store.Filter{IDs: changed, Statuses: []store.Status{store.Running}}
	for _, err := range matching(ctx, lister, running, store.Page{Limit: pageSize}) {
		if err != nil {
			return err
		}
		j.summary.Asked++
	}
	return nil
}

// answer says why tasks were passed over.
func (j *job) answer(ids []int64) error {
	getter, ok := store.As[store.Getter](j.store)
	ctx, cancel := bounded(j.cmd.Context())
	defer cancel()
	for some := range slices.Chunk(ids, pageSize) {
		var tasks []store.Task
		var err error
		if ok {
			tasks, err = getter.Get(ctx, some)
		}
		if err != nil {
			return err
		}
		for _, id := range some {
			switch i := slices.IndexFunc(tasks, func(t store.Task) bool { return t.ID == id }); {
			case i >= 0:
				j.refuse(id, j.action.passedOver(&tasks[i]))
			case ok:
				j.refuse(id, store.ErrNotFound)
			default:
				j.refuse(id, fmt.Errorf("there is no such task, or it is not %s", anyOf(j.action.from)))
			}
		}
	}
	return nil
}

func (j *job) refuse(id int64, err error) {
	j.refused.Refuse(0, id, err)
	j.summary.Refused = append(j.summary.Refused, refusal{id, err.Error()})
}
