package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store/mongo"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// unprepared are the errors of a database that was never migrated, or not by this release.
var unprepared = []error{postgres.ErrSchemaMissing, mongo.ErrNotMigrated}

// hint names the command that mends what the error of another one tells; empty is none.
func hint(ran *cobra.Command, err error) string {
	for _, u := range unprepared {
		if errors.Is(err, u) {
			return fmt.Sprintf(": run %q", migrateUpLine(ran))
		}
	}
	return ""
}

// migrateUpLine is the command line as users of this program write it: these commands may be below others.
func migrateUpLine(c *cobra.Command) string {
	for ; c != nil; c = c.Parent() {
		for _, sub := range c.Commands() {
			if sub.Name() == migrateName {
				return sub.CommandPath() + " up"
			}
		}
	}
	return "migrate up"
}
