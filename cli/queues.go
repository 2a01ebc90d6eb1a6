package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) queuesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "queues",
		Short: "List, pause and resume queues",
		Long: `List, pause and resume queues. A queue is there as long as it holds a task, a finished one included,
or is paused.`,
	}
	cmd.AddCommand(a.queuesListCommand(), a.queuesPauseCommand(), a.queuesResumeCommand())
	return cmd
}

func (a *app) queuesListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the queues, and how many tasks of each status they hold",
		Long: `List the queues, in the order of their names, and how many tasks of each status they hold. The cost
does not grow with the number of tasks.`,
		Example: `  firefly queues list
  firefly queues list -o json | jq -r '.[] | select(.paused).queue'`,
		Args: exactArgs(),
		RunE: a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
			queues, err := readQueues(cmd.Context(), s)
			if err != nil {
				return err
			}
			if a.format == formatJSON {
				return printJSON(cmd.OutOrStdout(), queues)
			}
			if len(queues) == 0 {
				_, err := fmt.Fprintln(cmd.ErrOrStderr(), "no queue holds a task, and none is paused")
				return err
			}
			t := newQueueTable()
			for i := range queues {
				t.add(queueCells(&queues[i])...)
			}
			return t.print(cmd.OutOrStdout(), wantsColor(cmd.OutOrStdout()))
		}),
	}
}
