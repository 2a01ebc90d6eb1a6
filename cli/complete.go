package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

// patience is how long a shell waits for the names of queues.
const patience = 2 * time.Second

// completeFlags completes the values of the flags that c and the commands below it have.
func (a *app) completeFlags(c *cobra.Command) {
	fixed := cobra.FixedCompletions
	for flag, values := range map[string]cobra.CompletionFunc{
		"output": fixed([]cobra.Completion{string(formatTable), string(formatJSON)}, cobra.ShellCompDirectiveNoFileComp),
		"status": fixed([]cobra.Completion{
			string(store.Created), string(store.Running), string(store.Completed), string(store.Failed), string(store.Cancelled),
		}, cobra.ShellCompDirectiveNoFileComp),
		"queue": a.completeQueues,
	} {
		if _, taken := c.GetFlagCompletionFunc(flag); !taken && c.NonInheritedFlags().Lookup(flag) != nil {
			_ = c.RegisterFlagCompletionFunc(flag, values) // it fails for what was just excluded
		}
	}
	for _, sub := range c.Commands() {
		a.completeFlags(sub)
	}
}

// completeQueues returns the queues that are not yet given. Where there are none to be had, the shell
// completes nothing: it is no place for errors.
func (a *app) completeQueues(cmd *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), patience)
	defer cancel()
	cmd.SetContext(ctx)
	s, done, err := a.openStore(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = done() }()
	queues, _ := readQueues(ctx, s)
	var names []cobra.Completion
	for i := range queues {
		if !slices.Contains(given, queues[i].Queue) {
			names = append(names, queues[i].Queue)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
