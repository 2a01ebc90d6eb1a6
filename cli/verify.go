package cli

import "github.com/spf13/cobra"

// verifyCommand is that of package cli/verify, which wants a URL: a store is not enough for it, as it
// makes others beside. Nil is none.
func (a *app) verifyCommand() *cobra.Command {
	if a.config.Verify == nil || a.config.Store != nil {
		return nil
	}
	cmd := a.config.Verify(func(*cobra.Command) (string, error) { return a.storeURL() })
	cmd.Args = exactArgs() // whose error is one of usage
	return cmd
}
