package verify

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

// An Opener stands in for [open.Scratch].
type Opener = func(ctx context.Context, url string, opts ...open.Option) (store.Store, func(context.Context) error, error)

// CommandOn is [Command] on stores that are made in another way.
func CommandOn(opener Opener) *cobra.Command {
	return newCommand(func(*cobra.Command) (string, error) { return "", nil },
		func(ctx context.Context, _ string, w io.Writer, opts Options) (Result, error) {
			return RunOn(ctx, opener, w, opts)
		})
}

// RunOn is [Run] on stores that are made in another way.
func RunOn(ctx context.Context, opener Opener, w io.Writer, opts Options) (Result, error) {
	b := bench{open: opener}
	return b.run(ctx, w, opts)
}
