package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// A shell that can complete commands, and what makes its script.
type completer struct {
	shell  string
	script func(root *cobra.Command, w io.Writer) error
}

func completers() []completer {
	return []completer{
		{"bash", func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"zsh", (*cobra.Command).GenZshCompletion},
		{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
		{"powershell", (*cobra.Command).GenPowerShellCompletionWithDesc},
	}
}

// completionCommand is in place of cobra's, whose errors and help are not like those of the others.
func (a *app) completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the script by which a shell completes commands",
		Long: `Print the script by which a shell completes commands, flags, their values and the names of queues.
It is for the whole program; bash needs the package bash-completion.`,
		Example: `  source <(firefly completion bash)
  firefly completion bash > /etc/bash_completion.d/firefly
  firefly completion zsh > "${fpath[1]}/_firefly"
  firefly completion fish > ~/.config/fish/completions/firefly.fish
  firefly completion powershell | Out-String | Invoke-Expression`,
		Args: exactArgs("the shell's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, c := range completers() {
				if c.shell == args[0] {
					return c.script(cmd.Root(), cmd.OutOrStdout())
				}
			}
			return usagef("no completion for %q: use bash, zsh, fish or powershell", args[0])
		},
	}
	for _, c := range completers() {
		cmd.ValidArgs = append(cmd.ValidArgs, cobra.CompletionWithDesc(c.shell, "the script for "+c.shell))
	}
	return cmd
}
