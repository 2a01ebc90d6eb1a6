package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

var (
	errPending = errors.New("the database is not up to date")
	errTooNew  = errors.New("the database is of a newer release, which this program cannot work with: update the program")
)

const migrateName = "migrate"

func (a *app) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   migrateName,
		Short: "Bring the database up to date, or show what that takes",
		Long: `Bring the database up to date, or show what that takes: once when a release is deployed, before its
processes start. Processes of the release before go on working.`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { // a deployment that forgot the word is to fail
			return usagef("say what: up, status or print: see %q", cmd.CommandPath()+" --help")
		},
	}
	cmd.AddCommand(a.migrateUpCommand(), a.migrateStatusCommand(), a.migratePrintCommand())
	return cmd
}

func (a *app) migrateUpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Create or update what the store needs in its database",
		Long: `Create or update what the store needs in its database. It does nothing if nothing is to be done, and
may be run by many at once.`,
		Example: `  firefly migrate up
  firefly migrate up --store "$OWNER_URL"`,
		Args: exactArgs(),
		RunE: a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
			migrator, err := need[store.Migrator](s, "Migrator")
			if err != nil {
				return err
			}
			did, err := migrateUp(cmd.Context(), s, migrator)
			if err != nil {
				return err
			}
			if a.format == formatJSON {
				return printJSON(cmd.OutOrStdout(), did)
			}
			return did.print(cmd.OutOrStdout())
		}),
	}
}

// A migrated says what was done, as far as the store tells.
type migrated struct {
	From *int     `json:"from,omitempty"`
	To   *int     `json:"to,omitempty"`
	Done []string `json:"done,omitempty"`
}

func migrateUp(ctx context.Context, s store.Store, migrator store.Migrator) (did migrated, err error) {
	var m store.Migration
	if reporter, ok := store.As[store.MigrationReporter](s); ok {
		if m, err = reading(ctx, reporter.Migration); err != nil {
			return did, err
		}
		did = migrated{From: &m.Have, To: &m.Want, Done: m.Pending}
	}
	err = migrator.Migrate(ctx) // as long as it takes
	if err != nil && ctx.Err() != nil {
		err = errInterrupted
	}
	return did, err
}

func (m *migrated) print(w io.Writer) error {
	text := "the database is up to date"
	switch {
	case m.From == nil:
	case len(m.Done) > 0:
		text = fmt.Sprintf("migrated from version %d to %d:\n  %s", *m.From, *m.To, strings.Join(m.Done, "\n  "))
	case *m.To > 0:
		text = fmt.Sprintf("nothing to do: the database has version %d, and this program needs %d", *m.From, *m.To)
	default:
		text = "nothing to do: this store needs nothing made before it is used"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
