// Firefly schedules, runs and looks after background tasks from the command line: the commands of
// package cli, without an application's handlers. Run it without arguments for help.
package main

import (
	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/cli/verify"
)

func main() { cli.Main(cli.Config{Verify: verify.Command}) }
