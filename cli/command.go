package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// An app is what the commands of one root share.
type app struct {
	config Config
	url    string // of --store
	format format // of --output
}

// Command returns the root of Firefly's commands, for a program of its own or below another
// command. It reads and writes through the streams of the command that is run; run it with [Run] to
// have the exit codes, or judge its errors with [ExitCode].
func Command(cfg Config) *cobra.Command {
	a := &app{config: cfg}
	root := &cobra.Command{
		Use:   cmp.Or(cfg.Name, "firefly"),
		Short: "Schedule, run and look after background tasks",
		Long: `Schedule, run and look after background tasks, in the database of your choice.

The store is named by --store or FIREFLY_STORE, a URL:
  sqlite:tasks.db            postgres://user:password@host/db    redis://host:6379/0
  mongodb://host/db          redis+cluster://host,host           memory://
` + exitCodesHelp(),
		Version:       version(cfg),
		SilenceErrors: true, // Run prints them
		SilenceUsage:  true,
	}
	if cfg.Store == nil {
		root.PersistentFlags().StringVar(&a.url, "store", "", "the store's URL (default: FIREFLY_STORE, or "+a.defaultStore()+")")
	}
	a.format = formatTable
	root.PersistentFlags().VarP(&a.format, "output", "o", "how to print what is read: table or json")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w: see %q", err, cmd.CommandPath()+" --help")
	})
	root.AddCommand(a.commands()...)
	if verify := a.verifyCommand(); verify != nil {
		root.AddCommand(verify)
	}
	for _, c := range root.Commands() {
		strict(c)
	}
	strict(root)
	group(root)
	a.completeFlags(root)
	return root
}

func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.scheduleCommand(),
		a.waitCommand(),
		a.consumeCommand(),
		a.tasksCommand(),
		a.queuesCommand(),
		a.statsCommand(),
		a.migrateCommand(),
		a.versionCommand(),
		a.completionCommand(),
	}
}

// strict makes a command that only holds others refuse names that none of them has.
func strict(c *cobra.Command) {
	if c.HasSubCommands() && c.Run == nil && c.RunE == nil {
		c.Args = subcommandOnly
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	like := ""
	if found := cmd.SuggestionsFor(args[0]); len(found) > 0 {
		like = fmt.Sprintf(": did you mean %s?", strings.Join(found, " or "))
	}
	return usagef("unknown command %q for %q%s", args[0], cmd.CommandPath(), like)
}
