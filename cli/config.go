package cli

import (
	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// Config says what the commands of an application are made of. Its zero value is the stand-alone
// program.
type Config struct {
	// Name is the program's, for help and messages; empty is "firefly".
	Name string
	// Version is the program's; empty is what the Go toolchain recorded.
	Version string

	// Handlers returns what consume runs tasks with. It is called once the store is open, so that
	// handlers can have a client of it. Nil is none: consume needs --exec then.
	Handlers func(s store.Store) ([]firefly.Handler, error)
	// Worker is where consume begins: its flags, where given, come before it.
	Worker firefly.WorkerConfig
	// Client is where schedule and wait begin.
	Client firefly.ClientConfig

	// Verify makes the command verify; nil is none. It is Command of package cli/verify, which is not
	// here by itself as it links package testing.
	Verify func(url func(*cobra.Command) (string, error)) *cobra.Command

	// Store is used by all commands, and closed by none of them. There is no --store then.
	Store store.Store
	// URL is the store of those who name none; empty is a SQLite file in the user's data directory.
	URL string
}

// Static is for handlers that need no store to be made: see [Config].
func Static(handlers ...firefly.Handler) func(store.Store) ([]firefly.Handler, error) {
	return func(store.Store) ([]firefly.Handler, error) { return handlers, nil }
}
