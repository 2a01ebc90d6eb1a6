package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) migrateStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Compare the database with what this program needs",
		Long: fmt.Sprintf(`Compare the database with what this program needs, and change nothing. The exit code is 0 if the
database is up to date, %d if "migrate up" has something to do, and %d if the database is of a newer
release that this program cannot work with.`, ExitPending, ExitFailed),
		Example: `  firefly migrate status
  firefly migrate status -o json | jq -r '.pending[]'
  firefly migrate status || firefly migrate up`,
		Args: exactArgs(),
		RunE: a.withMigration(func(cmd *cobra.Command, m *store.Migration) error {
			m.Script = "" // that is for print
			var err error
			if a.format == formatJSON {
				err = printJSON(cmd.OutOrStdout(), m)
			} else {
				err = printMigration(cmd.OutOrStdout(), m)
			}
			switch {
			case err != nil:
				return err
			case m.TooNew:
				return errTooNew
			case len(m.Pending) > 0:
				return fmt.Errorf("%w: run %q", errPending, migrateUpLine(cmd))
			}
			return nil
		}),
	}
}

func (a *app) migratePrintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "print",
		Short: "Print the statements of a migration, to apply them by hand",
		Long: `Print the statements that "migrate up" would make now, in the language of the database's own shell
(psql, sqlite3, mongosh), for those who apply them by hand. Where that shell has transactions, apply them
in one. Nothing is printed if nothing is to be done.`,
		Example: `  firefly migrate print > migration.sql
  firefly migrate print | psql --single-transaction --set ON_ERROR_STOP=1 "$DATABASE_URL"`,
		Args: exactArgs(),
		RunE: a.withMigration(func(cmd *cobra.Command, m *store.Migration) error {
			switch {
			case m.TooNew:
				return errTooNew
			case m.Script == "" && len(m.Pending) > 0:
				return fmt.Errorf("this store has no statements to apply by hand: run %q", migrateUpLine(cmd))
			case a.format == formatJSON:
				return printJSON(cmd.OutOrStdout(), m)
			case m.Script == "":
				_, err := fmt.Fprintln(cmd.ErrOrStderr(), "nothing to do")
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSuffix(m.Script, "\n"))
			return err
		}),
	}
}

// withMigration makes the body of a command that only looks.
func (a *app) withMigration(body func(cmd *cobra.Command, m *store.Migration) error) func(*cobra.Command, []string) error {
	return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
		reporter, err := need[store.MigrationReporter](s, "MigrationReporter")
		if err != nil {
			return fmt.Errorf("%w: %q needs no report", err, migrateUpLine(cmd))
		}
		m, err := reading(cmd.Context(), reporter.Migration)
		if err != nil {
			return err
		}
		return body(cmd, &m)
	})
}

func printMigration(w io.Writer, m *store.Migration) error {
	text := fmt.Sprintf("the database has version %d, and this program needs %d\n", m.Have, m.Want)
	switch {
	case m.Want == 0:
		text = "this store needs nothing made before it is used\n"
	case m.TooNew:
	case len(m.Pending) == 0:
		text += "nothing is pending\n"
	default:
		text += fmt.Sprintf("pending:\n  %s\n", strings.Join(m.Pending, "\n  "))
	}
	_, err := io.WriteString(w, text)
	return err
}
