package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

// Command returns the command verify, for the root command of package cli or another one. It asks url for
// the URL of the store when it is run. Where there is a flag "output", of the root say, whose value is
// json, it prints nothing but the [Result], at its end. An error says how many cases have failed.
func Command(url func(cmd *cobra.Command) (string, error)) *cobra.Command {
	return newCommand(url, Run)
}

type runFunc func(ctx context.Context, url string, w io.Writer, opts Options) (Result, error)

func newCommand(url func(cmd *cobra.Command) (string, error), run runFunc) *cobra.Command {
	var pattern string
	var opts Options
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that the database keeps what Firefly promises",
		Long: `Runs the conformance kit against the database: more than a hundred cases, each of which states the
rule that it enforces. Each case has a store of its own, new and empty, beside the one that the URL
names, whose tasks it neither reads nor changes. It is removed when the case has ended, or is stopped.
The user needs the right to make a schema (PostgreSQL), keys that begin with {firefly_scratch_
(Redis), collections (MongoDB), or a file (SQLite).`,
		Example: `  firefly verify
  firefly verify --run '^Claim' -o json | jq .failed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if pattern != "" {
				if opts.Run, err = regexp.Compile(pattern); err != nil {
					return store.Invalid("verify", fmt.Errorf("--run: %w", err))
				}
			}
			address, err := url(cmd)
			if err != nil {
				return err
			}
			return run.command(cmd, address, opts)
		},
	}
	cmd.Flags().StringVar(&pattern, "run", "", "only the cases with a name that matches this regular expression")
	cmd.Flags().IntVar(&opts.Steps, "steps", 0, "of the random walk beside the model; 0 is what the kit takes")
	return cmd
}

// command runs the cases and prints what the flags ask for.
func (run runFunc) command(cmd *cobra.Command, url string, opts Options) error {
	w := cmd.OutOrStdout()
	format, _ := cmd.Flags().GetString("output") // there may be none
	if format == "json" {
		w = io.Discard
	}
	r, err := run(cmd.Context(), url, w, opts)
	if r.Failed > 0 {
		err = errors.Join(fmt.Errorf("%d of %d cases failed", r.Failed, len(r.Cases)), err)
	}
	if format == "json" && len(r.Cases) > 0 {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = errors.Join(err, e.Encode(r))
	}
	return err
}
