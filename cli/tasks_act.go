package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) tasksRetryCommand() *cobra.Command {
	return a.actionCommand(action{
		verb: "retry", past: "retried", from: []store.Status{store.Failed, store.Cancelled},
		short: "Make failed and cancelled tasks due now, as if new",
		example: `  firefly tasks retry 7
  firefly tasks retry --status failed --queue mail --error 'connection refused'
  firefly tasks retry --status failed --queue mail --error 'connection refused' --yes`,
		open: func(s store.Store) (act, error) {
			r, err := need[store.Retrier](s, "Retrier")
			return func(ctx context.Context, f store.Filter) ([]int64, error) { return r.Retry(ctx, f, 0) }, err
		},
	})
}

func (a *app) tasksCancelCommand() *cobra.Command {
	return a.actionCommand(action{
		verb: "cancel", past: "cancelled", from: []store.Status{store.Created, store.Running},
		short: "End waiting tasks, and ask running ones to end",
		example: `  firefly tasks cancel 7 9-12
  firefly tasks cancel --name report.make --yes`,
		open: func(s store.Store) (act, error) {
			c, err := need[store.Canceler](s, "Canceler")
			return func(ctx context.Context, f store.Filter) ([]int64, error) { return c.Cancel(ctx, f, 0) }, err
		},
	})
}

func (a *app) tasksDeleteCommand() *cobra.Command {
	return a.actionCommand(action{
		verb: "delete", past: "deleted", from: []store.Status{store.Created, store.Completed, store.Failed, store.Cancelled},
		short: "Delete tasks that are not running",
		example: `  firefly tasks delete 7
  firefly tasks delete --status completed --older-than 7d --dry-run
  firefly tasks delete --status completed --older-than 7d --yes`,
		open: func(s store.Store) (act, error) {
			d, err := need[store.Deleter](s, "Deleter")
			return func(ctx context.Context, f store.Filter) ([]int64, error) { return d.Delete(ctx, f, 0) }, err
		},
	})
}

func (a *app) tasksRescheduleCommand() *cobra.Command {
	due := &dueFlags{}
	cmd := a.actionCommand(action{
		verb: "reschedule", past: "rescheduled", from: []store.Status{store.Created},
		short: "Give waiting tasks another time: --eta, --delay or --now",
		example: `  firefly tasks reschedule 7 --now
  firefly tasks reschedule --queue mail --delay 2h --yes
  firefly tasks reschedule 9-12 --eta 2026-01-31T06:00:00Z`,
		check: due.check,
		open: func(s store.Store) (act, error) {
			d, err := need[store.DueSetter](s, "DueSetter")
			return func(ctx context.Context, f store.Filter) ([]int64, error) { return d.SetDue(ctx, f, due.when, 0) }, err
		},
	})
	due.cmd = cmd
	cmd.Flags().Var((*timeFlag)(&due.when.ETA), "eta", "be due at a time: \"2026-01-31 15:04\", or 2026-01-31T15:04:05Z")
	durationVar(cmd, &due.when.Delay, "delay", "be due so long from now: 90s, 36h, 7d12h")
	cmd.Flags().BoolVar(&due.now, "now", false, "be due now")
	return cmd
}

// A dueFlags says when tasks are to be due.
type dueFlags struct {
	cmd  *cobra.Command
	when store.When
	now  bool
}

func (d *dueFlags) check() error {
	given := 0
	for _, is := range []bool{d.cmd.Flags().Changed("eta"), d.cmd.Flags().Changed("delay"), d.now} {
		if is {
			given++
		}
	}
	if given != 1 {
		return usagef("say when, by one of --eta, --delay and --now")
	}
	return d.when.Validate()
}
