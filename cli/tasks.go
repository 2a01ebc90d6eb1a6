package cli

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) tasksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tasks",
		Short: "Look at tasks; retry, cancel, delete or reschedule them",
		Long:  "Look at tasks; retry, cancel, delete or reschedule them: by their ids, or by a filter.",
	}
	cmd.AddCommand(a.tasksListCommand(), a.tasksShowCommand(),
		a.tasksRetryCommand(), a.tasksCancelCommand(), a.tasksDeleteCommand(), a.tasksRescheduleCommand())
	return cmd
}

const pageSize = 200 // tasks that are read at a time; each may have a large payload

// matching goes through the tasks that match f, from p.After on, of which it reads p.Limit at a time.
func matching(ctx context.Context, l store.Lister, f store.Filter, p store.Page) iter.Seq2[*store.Task, error] {
	return func(yield func(*store.Task, error) bool) {
		for {
			page, err := l.List(ctx, f, p)
			if err != nil {
				yield(nil, orInterrupted(ctx, err))
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return
				}
			}
			if len(page) < p.Limit {
				return
			}
			p.After = page[len(page)-1].ID
		}
	}
}

// orInterrupted returns the error of a call that may have been ended by a signal.
func orInterrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

const (
	longestCell  = 40 // bytes of a name or queue in a table
	longestError = 60
)

func newTaskTable() *table {
	return &table{
		head:  []string{"ID", "NAME", "QUEUE", "STATUS", "PRIORITY", "ATTEMPT", "CREATED", "DUE", "FINISHED", "LAST ERROR"},
		right: map[int]bool{0: true, 4: true},
	}
}

func (t *table) addTask(task *store.Task) {
	due, last := "-", "-"
	if !task.Status.Terminal() {
		due = instant(task.Due)
	}
	if n := len(task.Errors); n > 0 {
		last = shorten(task.Errors[n-1].Text, longestError)
	}
	t.add(plain(task.ID), plain(shorten(task.Name, longestCell)), plain(shorten(task.Queue, longestCell)), statusCell(task.Status),
		plain(task.Priority), plain(attemptOf(task)), plain(instant(task.Created)), plain(due), plain(instant(task.Finished)), plain(last))
}

// attemptOf says which run it is of how many. Crashes are not counted against the retries.
func attemptOf(t *store.Task) string { return fmt.Sprintf("%d/%d", t.Attempt(), t.MaxRetries+1) }
