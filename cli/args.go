package cli

import (
	"strconv"

	"github.com/spf13/cobra"
)

// exactArgs asks for one argument for each of the names, which are as the command's Use has them.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s is missing: see %q", names[len(args)], cmd.CommandPath()+" --help")
		case len(args) > len(names):
			return usagef("unexpected argument %q: see %q", args[len(names)], cmd.CommandPath()+" --help")
		}
		return nil
	}
}

// parseID reads a task's id.
func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, usagef("%q is no task's id: give a positive number", text)
	}
	return id, nil
}

// someArgs asks for one argument or more.
func someArgs(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s is missing: see %q", name, cmd.CommandPath()+" --help")
		}
		return nil
	}
}
