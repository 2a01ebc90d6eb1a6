package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

// An action is what a command does to tasks.
type action struct {
	verb, past, short, example string
	from                       []store.Status // of the tasks that it may change
	check                      func() error   // judges the command's own flags; may be nil
	open                       func(s store.Store) (act, error)
}

// An act changes tasks that match a filter, and returns the ids of those that it changed.
type act func(ctx context.Context, f store.Filter) ([]int64, error)

// actionFlags is how an action is to be done.
type actionFlags struct{ yes, dryRun bool }

func (a *app) actionCommand(act action) *cobra.Command {
	cmd := &cobra.Command{
		Use:     act.verb + " [ID...]",
		Short:   act.short,
		Example: act.example,
		Long: act.short + `.

Tasks that are named by ids and ranges of them, 5 7-20, are changed at once. By a filter, the command
shows how many match and the first of them, and changes them if --yes is given. It does so in batches,
can be interrupted, and be run again.
` + filterHelp,
	}
	filter := bindFilter(cmd)
	var flags actionFlags
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "change all that match the filter")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "change nothing: show what would be")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, leftOut, err := act.filter(filter, args)
		if err == nil && act.check != nil {
			err = act.check()
		}
		if err != nil {
			return err
		}
		return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
			do, err := act.open(s)
			if err != nil {
				return err
			}
			j := &job{cmd: cmd, store: s, action: act, do: do, json: a.format == formatJSON, leftOut: leftOut}
			j.summary = summary{Action: act.verb, Refused: []refusal{}}
			if len(args) > 0 && !flags.dryRun {
				return j.runIDs(f.IDs)
			}
			if len(args) > 0 {
				f.Statuses = act.from // what would be changed
			}
			return j.runFilter(f, flags)
		})(cmd, args)
	}
	return cmd
}

// filter returns which tasks to look at. Those that are named by arguments are whatever their status,
// so that each of them can be answered for; a filter leaves out those that the action passes over, and
// leftOut are the ones among them that were asked for by name.
func (a *action) filter(flags *filterFlags, args []string) (f store.Filter, leftOut []store.Status, err error) {
	if len(args) > 0 && len(flags.given()) > 0 {
		return f, nil, usagef("name ids or give a filter, not both: --id is for ids beside other conditions")
	}
	if len(args) > 0 {
		f.IDs, err = idsOf(args)
		return f, nil, err
	}
	if f, err = flags.filter(); err != nil {
		return f, nil, err
	}
	if f.IsZero() {
		return f, nil, usagef("name ids or give a filter: to mean every task, name every status: --status %s", allStatusNames)
	}
	passedOver := func(s store.Status) bool { return !slices.Contains(a.from, s) }
	for _, s := range f.Statuses {
		if passedOver(s) {
			leftOut = append(leftOut, s)
		}
	}
	if f.Statuses == nil {
		f.Statuses = a.from
	} else if f.Statuses = slices.DeleteFunc(f.Statuses, passedOver); len(f.Statuses) == 0 {
		return f, nil, usagef("no %s task can be %s, only a %s one", anyOf(leftOut), a.past, anyOf(a.from))
	}
	return f, leftOut, nil
}

// refusals in the words of people, with what to do.
var (
	errRunning   = fmt.Errorf("%w: cancel it first, or wait for its end", store.ErrRunning)
	errDuplicate = fmt.Errorf("%w: retry it when that one is over", store.ErrDuplicate)
	errAsked     = errors.New("it runs, and was asked to end before: its worker has to hear of it")
)

// explain says more of a refusal of the store.
func explain(err error) error {
	switch {
	case errors.Is(err, store.ErrRunning):
		return errRunning
	case errors.Is(err, store.ErrDuplicate):
		return errDuplicate
	}
	return err
}

// passedOver says why the action left a task as it is.
func (a *action) passedOver(t *store.Task) error {
	switch {
	case t.Status == store.Running && t.CancelRequested && slices.Contains(a.from, store.Running):
		return errAsked
	case slices.Contains(a.from, t.Status):
		return errors.New("it has changed in between: try again")
	}
	return fmt.Errorf("it is %s: only %s tasks can be %s", t.Status, anyOf(a.from), a.past)
}
