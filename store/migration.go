package store

import "context"

// MigrationReporter tells what [Migrator].Migrate would do: to look before a release is deployed, or to
// do by hand what the program's own user may not.
type MigrationReporter interface {
	// Migration compares what the database has with what this release needs. It changes nothing, and
	// works before the first Migrate, where the database is of a newer release, and where another
	// process migrates meanwhile. Its errors are definite: one, say, that the user may not look.
	Migration(ctx context.Context) (Migration, error)
}

// A Migration is the way from what the database has to what this release needs.
type Migration struct {
	// Have and Want are the versions of the database's schema and of this release's. Have is zero if
	// nothing is there yet. Both are zero for a store that makes nothing before it is used.
	Have int `json:"have"`
	Want int `json:"want"`

	// TooNew says that the database was migrated by a release that this one cannot work with: update
	// the program. A Have beyond Want alone is no fault.
	TooNew bool `json:"too_new,omitempty"`

	// Pending is what Migrate would do now, in its order, a line for people to read each. It decides
	// whether there is anything to do: an index can be missing although the versions are the same.
	// It does not hold what a store does by itself while it is used.
	Pending []string `json:"pending,omitempty"`

	// Script does what is pending by hand, in the language of the database's own shell. Where that
	// has transactions, it is to be run in one. It is empty if nothing is pending.
	Script string `json:"script,omitempty"`
}
