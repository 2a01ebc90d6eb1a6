package cli

import (
	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

// ExitCodes are what the reference says of them.
var ExitCodes = exitCodes

// CompleteFlags completes the flags of a command that is not the root's.
func CompleteFlags(c *cobra.Command, s store.Store) {
	(&app{config: Config{Store: s}}).completeFlags(c)
}
