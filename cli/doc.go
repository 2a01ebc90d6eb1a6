// Package cli holds Firefly's commands, to mount in an application's own binary, where consume runs
// its typed handlers:
//
//	func main() {
//		cli.Main(cli.Config{Handlers: cli.Static(add, mail)})
//	}
//
// or, below an application's own root command, with [Command]. The program cmd/firefly is the same
// without handlers: its consume runs the commands that --exec names.
//
// The commands work on the store that --store or the environment variable FIREFLY_STORE names (see
// package open for the URLs), or that [Config] gives. They use only what a store offers as
// capabilities: one that it lacks is an error that names it.
package cli
